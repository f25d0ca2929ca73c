"""What a notification handler is told."""

from __future__ import annotations

import inspect
from typing import Any, Callable, NamedTuple

from clara import handlers


class Notification(NamedTuple):
    """A change of state or an error.

    Attributes
    ----------
    id : int
        1 started, 2 prepared, 3 inputs ready, 4 executed, 5 cleaned up, 6 completed; 100 an error.
    severity : str
        `info`, `warning` or `error`.
    message : str
    """

    id: int
    severity: str
    message: str

    def __str__(self) -> str:
        return self.message


STARTED, PREPARED, READY, EXECUTED, CLEANED, COMPLETED, FAILED = 1, 2, 3, 4, 5, 6, 100


def positional_count(handler: Callable[..., Any], most: int) -> int:
    """How many positional arguments, up to `most`, a handler takes."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return most
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return most
    return min(most, sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters))


def notify(handler: Callable[..., Any] | None, driver: Any, note: Notification) -> None:
    """Call `handler(driver, note)`, `handler(driver, id, message)` or `handler(note)`, as it is written.

    What becomes of it changes nothing: an exception in the handler is printed, a result is ignored.
    """
    if handler is None:
        return
    forms: dict[int, tuple[Any, ...]] = {0: (), 1: (note,), 2: (driver, note)}
    arguments = forms.get(positional_count(handler, 3), (driver, note.id, note.message))
    handlers.call("notification", handler, *arguments)
