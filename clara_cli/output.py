"""Text for terminals and scripts: tables and times."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

# Between columns, as in the original's `list pipelines`.
_GAP = 3
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def cell(value: object) -> str:
    """A value on one line; `-` where there is none."""
    text = "" if value is None else str(value)
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    return text or "-"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Left-aligned columns three spaces apart; the last one is not padded, no line ends in a blank."""
    lines = [tuple(header), *(tuple(map(cell, row)) for row in rows)]
    widths = [max(map(len, column)) + _GAP for column in zip(*lines, strict=True)]
    form = "".join(f"{{:<{width}}}" for width in widths[:-1]) + "{}"
    return "\n".join(form.format(*line) for line in lines)


def utc(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC, to the second."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
