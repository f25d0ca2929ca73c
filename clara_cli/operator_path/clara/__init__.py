"""The Pipeline Driver as operator programs see it.

    from clara import Driver, Payload

    def execute(driver, payload):
        volume = payload.fastio_input_entries["segmentation"].array
        return True

    driver = Driver(execute_handler=execute)
    driver.start()
    driver.wait_for_completion()

Importing has no effect besides the import: names load their module when they are first used, numpy loads when
the first array is touched. Runs on Python 3.7 and later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clara.callbacks import (
        cleanup_cb,
        error_cb,
        execute_cb,
        prepare_cb,
        start,
        startup_cb,
        wait_for_completion,
    )
    from clara.driver import Driver
    from clara.errors import Error
    from clara.fastio_allocation import FastIOAllocation
    from clara.fastio_context import FastIOContext
    from clara.fastio_entry import FastIOEntry
    from clara.fastio_types import FastIOAccess, FastIOType
    from clara.notification import Notification
    from clara.payload import Payload, PayloadCollection, PayloadEntry

_HOMES = {
    "Driver": "driver",
    "Error": "errors",
    "FastIOAccess": "fastio_types",
    "FastIOAllocation": "fastio_allocation",
    "FastIOContext": "fastio_context",
    "FastIOEntry": "fastio_entry",
    "FastIOType": "fastio_types",
    "Notification": "notification",
    "Payload": "payload",
    "PayloadCollection": "payload",
    "PayloadEntry": "payload",
    "cleanup_cb": "callbacks",
    "error_cb": "callbacks",
    "execute_cb": "callbacks",
    "prepare_cb": "callbacks",
    "start": "callbacks",
    "startup_cb": "callbacks",
    "wait_for_completion": "callbacks",
}

__all__ = [
    "Driver",
    "Error",
    "FastIOAccess",
    "FastIOAllocation",
    "FastIOContext",
    "FastIOEntry",
    "FastIOType",
    "Notification",
    "Payload",
    "PayloadCollection",
    "PayloadEntry",
    "cleanup_cb",
    "error_cb",
    "execute_cb",
    "prepare_cb",
    "start",
    "startup_cb",
    "wait_for_completion",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in ("io", "logging"):
        return import_module("clara." + name)
    if name not in _HOMES:
        raise AttributeError("module 'clara' has no attribute {!r}".format(name))
    value = getattr(import_module("clara." + _HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "io", "logging"})
