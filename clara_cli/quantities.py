"""Sizes and ages as people write them: `50G`, `7d`. Pure."""

from __future__ import annotations

import re

_NUMBER = r"(\d+(?:\.\d+)?)\s*([a-zµ]*)"
_SIZES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_AGES = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_size(text: str) -> int:
    """`50G` in bytes; units k, m, g, t are powers of 1024, with or without `b` or `ib` behind them.

    Raises:
        ValueError: it is no size; the message says what was expected.
    """
    number, unit = _split(text)
    unit = re.sub(r"i?b$", "", unit) or unit
    if unit not in _SIZES or number is None:
        raise ValueError(f'"{text}" is no size: expected a number with k, M, G or T, such as 50G')
    return int(number * _SIZES[unit])


def parse_age(text: str) -> float:
    """`7d` in seconds; units s, m, h, d, w.

    Raises:
        ValueError: it is no age; the message says what was expected.
    """
    number, unit = _split(text)
    if unit not in _AGES or number is None:
        raise ValueError(f'"{text}" is no age: expected a number with s, m, h, d or w, such as 7d')
    return number * _AGES[unit]


def show_size(size: float) -> str:
    """Bytes for people: `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _split(text: str) -> tuple[float | None, str]:
    found = re.fullmatch(_NUMBER, text.strip(), re.ASCII | re.IGNORECASE)
    if not found or len(found[1]) > 18:
        return None, "?"
    return float(found[1]), found[2].lower()
