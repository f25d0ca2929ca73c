"""The process of the server: `python -m clara_cli.server OPTIONS CONFIG_FILE DESCRIPTOR`.

Started by `clara_cli.background`, which waits at the other end of the descriptor.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from clara_cli.background import serve_in_background


def _run(options: str, config_file: str | None, ready: Callable[[], None]) -> None:
    from clara_cli.server.foreground import run
    from clara_cli.server.options import Options

    run(Options.from_json(options), config_file, lambda _: ready())


if __name__ == "__main__":
    sys.exit(serve_in_background(_run))
