"""How long things may take. Pure: the clock is the caller's."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """Time limits in seconds; None for none.

    Attributes:
        job: for a whole job, where its definition does not say.
        operator: for one operator's execution, where the definition does not say.
        service: until a service has to answer at its port.
        grace: between asking what took too long to end (SIGTERM) and ending it (SIGKILL).
    """

    job: float | None = None
    operator: float | None = None
    service: float = 60.0
    grace: float = 15.0


class Deadlines:
    """What has to be over when: by the name of an operator, or None for the job."""

    def __init__(self) -> None:
        self._ends: dict[str | None, tuple[float, float]] = {}

    def set(self, name: str | None, now: float, seconds: float | None) -> None:
        if seconds is not None:
            self._ends[name] = (now + seconds, seconds)

    def drop(self, name: str | None) -> None:
        self._ends.pop(name, None)

    def clear(self) -> None:
        self._ends.clear()

    def patience(self, now: float) -> list[float]:
        """Seconds until the next one, if there is any."""
        return [max(0.0, min(end for end, _ in self._ends.values()) - now)] if self._ends else []

    def passed(self, now: float) -> list[tuple[str | None, float]]:
        """What is overdue, and the limit it had."""
        return [(name, seconds) for name, (end, seconds) in self._ends.items() if end <= now]
