"""The decorators of the driver before version 0.4.

    @clara.execute_cb
    def execute(payload): ...

    clara.start()
    clara.wait_for_completion()

A handler may take the arguments of today's handlers or only the last ones of them.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, TypeVar

from clara.driver import Driver
from clara.errors import WrongState
from clara.notification import positional_count

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_handlers: Dict[str, Callable[..., Any]] = {}
_started: list[Driver] = []


def startup_cb(handler: Decorated) -> Decorated:
    """Called first in `start`, before anything is known of the job."""
    return _registered("startup_handler", handler, 1)


def prepare_cb(handler: Decorated) -> Decorated:
    """Called before the inputs are ready."""
    return _registered("prepare_handler", handler, 1)


def execute_cb(handler: Decorated) -> Decorated:
    """Called when the inputs are ready."""
    return _registered("execute_handler", handler, 2)


def cleanup_cb(handler: Decorated) -> Decorated:
    """Called last."""
    return _registered("cleanup_handler", handler, 1)


def error_cb(handler: Decorated) -> Decorated:
    """Called with each error."""

    def errors_only(driver: Driver, note: Any) -> None:
        if note.severity == "error":
            _shortened(handler, 2)(driver, note)

    _handlers["notification_handler"] = errors_only
    return handler


def start() -> Driver:
    """Start a driver with the registered handlers."""
    driver = Driver(**_handlers)
    driver.start()
    _started.append(driver)
    return driver


def wait_for_completion() -> None:
    """Wait for the driver that `start` started."""
    if not _started:
        raise WrongState("clara.start() was not called")
    _started[-1].wait_for_completion()


def _registered(event: str, handler: Decorated, most: int) -> Decorated:
    _handlers[event] = _shortened(handler, most)
    return handler


def _shortened(handler: Callable[..., Any], most: int) -> Callable[..., Any]:
    count = positional_count(handler, most)
    return lambda *arguments: handler(*arguments[most - count :])
