"""Text for terminals and scripts: tables and times."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from functools import lru_cache

# Between columns, as in the original's `list pipelines`.
_GAP = 3


def cell(value: object) -> str:
    """A value on one line; `-` where there is none."""
    text = "" if value is None else str(value)
    if not text.isprintable():
        text = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text)
    return text or "-"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Left-aligned columns three spaces apart; the last one is not padded, no line ends in a blank."""
    values = zip(*rows, strict=True) if rows else [()] * len(header)
    columns = [_column(title, column) for title, column in zip(header, values, strict=True)]
    line = "".join(f"%-{max(map(len, column)) + _GAP}s" for column in columns[:-1]) + "%s"
    return "\n".join(map(line.__mod__, zip(*columns, strict=True)))


def _column(title: str, values: Sequence[object]) -> list[str]:
    """A column's cells; thousands of them are looked at as one text."""
    texts = [title, *(["-" if value is None else str(value) for value in values])]
    return texts if "" not in texts and "".join(texts).isprintable() else list(map(cell, texts))


@lru_cache(maxsize=1024)
def _day(number: int) -> str:
    return time.strftime("%Y-%m-%dT", time.gmtime(number * 86400))


def utc(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC, to the second."""
    if seconds is None:
        return None
    days, rest = divmod(int(seconds // 1), 86400)
    minutes, second = divmod(rest, 60)
    return f"{_day(days)}{minutes // 60:02}:{minutes % 60:02}:{second:02}Z"
