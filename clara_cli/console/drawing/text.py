"""How wide text is where nobody can measure it, and how it is shortened. Pure."""

from __future__ import annotations

import unicodedata

# Width of a letter in font heights: of the interfaces' usual fonts most letters are narrower.
_LETTER, _WIDE = 0.6, 1.05


def width(text: str, size: float) -> float:
    """An upper bound, nearly always, of the width of a line of text in a font of that size."""
    return sum(_advance(letter) for letter in text) * size


def shorten(text: str, room: float, size: float) -> str:
    """The text, its middle left out where it is wider than there is room: names differ at their ends too."""
    if width(text, size) <= room:
        return text
    for kept in range(len(text) - 1, 1, -1):
        head = (kept + 1) // 2
        shown = f"{text[:head]}…{text[len(text) - (kept - head) :]}"
        if width(shown, size) <= room:
            return shown
    return "…"


def _advance(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    return _WIDE if unicodedata.east_asian_width(letter) in "WF" else _LETTER
