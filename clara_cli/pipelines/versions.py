"""Versions of the definition language, compared as numbers: 0.10.0 comes after 0.9.0."""

from __future__ import annotations

import re

DEFAULT = "0.4.0"
FIRST_TYPED = (0, 5)
FIRST_CLARA = (0, 4)
_FIRST, _LAST = (0, 2), (0, 7)
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})(\.\d{1,9})?", re.ASCII)


def parse(text: str) -> tuple[int, int] | None:
    """Major and minor number; None when the text is no version."""
    match = _VERSION.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


def advice(text: object) -> str | None:
    """Why a version is not known, for a hint; None when it is no version at all."""
    version = parse(text) if isinstance(text, str) else None
    if version is None:
        return None
    if version > _LAST:
        return f"{text} is later than all versions known here"
    return f"{text} is earlier than all versions known here" if version < _FIRST else None
