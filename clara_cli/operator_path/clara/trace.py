"""The driver's own log lines: on stderr only, as much as `CLARA_TRACE` asks for.

0 (the default) shows errors, 1 also changes of state, 2 everything.
"""

from __future__ import annotations

import os
import sys

ERRORS, STATES, EVERYTHING = 0, 1, 2


def _level() -> int:
    try:
        return int(os.environ.get("CLARA_TRACE", ""))
    except ValueError:
        return ERRORS


def _write(text: str) -> None:
    line = "[driver] " + text + "\n"
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except (AttributeError, OSError, RuntimeError, ValueError):
        # no stream, a closed one, or a signal arrived in the middle of another write
        _write_raw(line)


def _write_raw(line: str) -> None:
    try:
        os.write(2, line.encode("utf-8", "replace"))
    except OSError:
        pass


def error(text: str) -> None:
    _write(text)


def state(text: str) -> None:
    if _level() >= STATES:
        _write(text)


def detail(text: str) -> None:
    if _level() >= EVERYTHING:
        _write(text)
