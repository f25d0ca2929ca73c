"""The end of a forked operator: as Python ends, but what it shares with all others is not taken apart page by page."""

from __future__ import annotations

import _io
import ctypes
import functools
import gc
import os
import signal
import sys
import types
import weakref
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forking import Template

_API = ctypes.pythonapi
_LIBC = ctypes.CDLL(None, use_errno=True)
_SUSPENDED = {types.GeneratorType: "gi_frame", types.CoroutineType: "cr_frame", types.AsyncGeneratorType: "ag_frame"}
# What the operator's code came to: 0, or -1 when it ended with an exception (which has been shown by then).
_result: list[int] = []


def keep(result: int, function: Any, arguments: Any) -> int:
    """Remember what the program came to (`errcheck` of ctypes)."""
    _result.append(result)
    return result


def leaving() -> Callable[[], Any]:
    """What ends this process as Python does after its program."""
    code = 1 if _result and _result[0] else 0
    if code and _interrupted():
        # As Python does it: the process ends by the signal itself, after everything else.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _LIBC.__cxa_atexit(ctypes.cast(_LIBC["raise"], ctypes.c_void_p), ctypes.c_void_p(signal.SIGINT), None)
        code = 128 + signal.SIGINT
    return functools.partial(_API.Py_Exit, code)


def _interrupted() -> bool:
    return getattr(sys, "last_type", None) is KeyboardInterrupt


def leave_alone(template: Template) -> None:
    """As the last exit handler: keep the modules that all operators share, unless something would be lost with them.

    What they refer to is never deleted then: a file would not be flushed, a destructor of the program not called.
    """
    if _all_told(frozenset(template.preloaded)):
        template.kept.extend(sys.modules.pop(name) for name in template.preloaded if name in sys.modules)
        _API.Py_IncRef(ctypes.py_object(template.kept))
    else:
        gc.unfreeze()


def _all_told(shared: Container[str]) -> bool:
    """Whether nothing that the program made has anything left to do when it is deleted."""
    if any(map(_foreign, (module for name, module in list(sys.modules.items()) if name not in shared))):
        return False
    finalised: dict[type, bool] = {}
    for thing in gc.get_objects():
        kind = type(thing)
        if kind not in finalised:
            finalised[kind] = hasattr(kind, "__del__") or issubclass(kind, weakref.ReferenceType)
        if finalised[kind] and not _told(thing, kind, shared):
            return False
    return True


def _foreign(module: Any) -> bool:
    """Whether its objects may have destructors that Python does not show."""
    file = getattr(module, "__file__", None) or ""
    return file.endswith(".so") and os.path.dirname(file) != os.path.join(os.path.dirname(os.__file__), "lib-dynload")


def _told(thing: Any, kind: type, shared: Container[str]) -> bool:
    try:
        if issubclass(kind, weakref.ReferenceType):
            return _harmless(thing.__callback__, shared)
        if issubclass(kind, _io._IOBase):
            return bool(thing.closed or not thing.writable())
        if kind in _SUSPENDED:
            return getattr(thing, _SUSPENDED[kind]) is None
        where = next(base.__module__ for base in kind.__mro__ if "__del__" in vars(base))
        return where == "_socket" or (where in shared and where.startswith("clara."))
    except Exception:
        return False


def _harmless(callback: Any, shared: Container[str]) -> bool:
    """Whether it is that of a container of weak references, or of a table of abstract classes."""
    if callback is None or callback.__module__ in shared:
        return True
    return callback.__name__ == "_destroy" and isinstance(callback.__self__, weakref.ReferenceType)
