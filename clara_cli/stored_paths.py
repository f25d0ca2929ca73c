"""Paths in the database: text, or bytes where they are no text, so that every path comes back as it was."""

from __future__ import annotations

import os


def stored_path(path: str | os.PathLike[str]) -> str | bytes:
    """A path as a column keeps it."""
    text = os.fspath(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text


def loaded_path(value: str | bytes) -> str:
    """A path from a column."""
    return os.fsdecode(value)
