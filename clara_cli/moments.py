"""Moments as people write them: `10m`, `1h30m`, `14:30`, `2024-05-01T12:00:00Z`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from clara_cli.errors import UsageError

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")


def moment(text: str, now: float) -> float:
    """Seconds since 1970 of a moment: a time ago, a time of today, or a date; local time where no zone is given.

    Raises:
        UsageError: it is none of these.
    """
    word = text.strip()
    try:
        if word and (ago := _DURATION.fullmatch(word.lower())):
            days, hours, minutes, seconds = (float(part or 0) for part in ago.groups())
            return now - timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        if clock := _CLOCK.fullmatch(word):
            hour, minute, second = (int(part or 0) for part in clock.groups())
            return datetime.fromtimestamp(now).replace(hour=hour, minute=minute, second=second).timestamp()
        return datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", word)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f'"{text}" is no time: expected how long ago (90s, 10m, 1h30m, 2d), a time of today (14:30) or a date '
            "(2024-05-01, 2024-05-01T14:30:00Z)"
        ) from None
