"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    """OK; NOTE: good to know; WARNING: some jobs may suffer; ERROR: jobs fail."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """What was found, and what to do about it if there is something to do."""

    check: str
    level: Level
    text: str
    advice: str | None = None
