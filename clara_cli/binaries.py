"""The service binaries, which people and scripts call by their own names: `clara-platform restart -y`.

Each is `clara` with its word in front. They lie on PATH as plugins would, but their words are commands of clara itself,
so that `clara platform` never runs them.
"""

from __future__ import annotations

import sys
from functools import partial

from clara_cli.cli import cli, run


def _run(word: str) -> None:
    run(cli, "clara", [word, *sys.argv[1:]])


platform = partial(_run, "platform")
dicom = partial(_run, "dicom")
console = partial(_run, "console")
render = partial(_run, "render")
monitor = partial(_run, "monitor")
pull = partial(_run, "pull")
