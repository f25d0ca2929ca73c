"""Times of one running job: the wall clock is asked once, then only time that has passed is added.

So a clock that is set while the job runs gives no negative or absurd durations.
"""

from __future__ import annotations

import time


class Clock:
    """Counts on from the present."""

    def __init__(self, not_before: float = 0.0) -> None:
        """Start counting.

        Args:
            not_before: seconds since 1970 UTC of what came before, which the clock may since have been set behind.
        """
        self._began = max(time.time(), not_before)
        self._mark = _passed()

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return self._began + _passed() - self._mark


def _passed() -> float:
    # Unlike the monotonic clock this one counts while the machine sleeps.
    return time.clock_gettime(time.CLOCK_BOOTTIME)
