"""Programs that name a declared path themselves, where no mounts make it the folder that is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from clara_cli.runtime.process import log_tail

# What programs and shells say of a path that is not there, or that is somewhere else than they think.
_COMPLAINTS = re.compile(
    r"no such file|not found|does not exist|cannot access|permission denied|read-only file system|not a directory|"
    r"filenotfounderror|enoent|eacces|cannot (?:open|create|find)|can't (?:open|create|find)|unable to open",
    re.IGNORECASE,
)
_LINES = 40


def explain_unseen(log: Path, paths: Iterable[str], reason: str) -> bool:
    """Add to a failed program's log that it named a declared path itself, if its last lines say so.

    Args:
        paths: the declared ones.
        reason: why it ran without mounts.

    Returns:
        whether it did.
    """
    complaints = [line for line in log_tail(log, _LINES) if _COMPLAINTS.search(line)]
    named = [path for path in paths if any(_names(line, path) for line in complaints)]
    if not named:
        return False
    listed = " and ".join(named)
    text = (
        f"clara: this program names {listed} itself, and ran without mounts: {reason}. It is told where its folders "
        "are on its command line, in NVIDIA_CLARA_INPUTPATHS and NVIDIA_CLARA_OUTPUTPATHS, and by the driver; with "
        "bubblewrap (the program bwrap) they are at the declared paths.\n"
    )
    try:
        with log.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return False
    return True


def _names(line: str, path: str) -> bool:
    return re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])", line) is not None
