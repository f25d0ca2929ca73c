"""Names of files inside a payload: paths with `/`, relative to its top. Pure.

A name never leaves the payload. Names are what the system has: any bytes but NUL, kept as Python's file names.
"""

from __future__ import annotations

import os

from clara_cli.errors import PayloadError

# What Linux takes as a path.
_LONGEST = 4096


class BadFileName(PayloadError):
    """A name that no file of a payload can have."""


def parse_name(text: str) -> tuple[str, ...]:
    """The parts of a name; `/x`, `./x` and `x` are the same, and the top itself has none.

    Raises:
        BadFileName: it has a `..` or a NUL, or is too long.
    """
    if len(text) > _LONGEST:
        raise BadFileName(f"a name of {len(text)} characters was given: at most {_LONGEST} are allowed")
    parts = tuple(part for part in text.split("/") if part not in ("", "."))
    if ".." in parts or "\0" in text:
        raise BadFileName(f'"{show_name(text)}" leaves the payload: ".." is not allowed in it')
    return parts


def show_name(name: str) -> str:
    """A name on one line of text: control characters and bytes that are no text as `\\n` and `\\xff`."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
