"""Placeholders: `${{ NAME }}` inside a text, with or without the blanks."""

from __future__ import annotations

import re
from collections.abc import Callable

START = "${{"
# No braces inside, so that a long text is looked at once.
_PLACEHOLDER = re.compile(r"\$\{\{([^{}]*)\}\}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def names(text: str) -> list[str]:
    """What stands in the placeholders of a text, in their order; it need not be a name."""
    return [match[1].strip() for match in _PLACEHOLDER.finditer(text)]


def is_name(text: str) -> bool:
    """Whether a placeholder may hold it."""
    return _NAME.fullmatch(text) is not None


def has_loose_start(text: str) -> bool:
    """Whether a placeholder begins and does not end."""
    return START in _PLACEHOLDER.sub("", text)


def filled(text: str, value_of: Callable[[str], str]) -> str:
    """The text with every placeholder replaced; what is put in is not looked at again."""
    return _PLACEHOLDER.sub(lambda match: value_of(match[1].strip()), text)
