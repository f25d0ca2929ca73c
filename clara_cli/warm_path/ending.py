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
from collections.abc import Callable, Container, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forking import Template

_API = ctypes.pythonapi
_LIBC = ctypes.CDLL(None, use_errno=True)
_SUSPENDED = {types.GeneratorType: "gi_frame", types.CoroutineType: "cr_frame", types.AsyncGeneratorType: "ag_frame"}
# Modules of Python whose objects close what they hold without showing it.
_CLOSE = frozenset({"sqlite3", "_gdbm", "_dbm"})
_CALLBACK = vars(weakref.ReferenceType)["__callback__"]
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


def leave_alone(template: Template, frozen: int) -> None:
    """As the last exit handler: keep the modules that all operators share, unless something would be lost with them.

    What they refer to is never deleted then: a file would not be flushed, a destructor of the program not called.

    Args:
        frozen: how many objects the garbage collector was told not to look at when the program began.
    """
    if _is_called():
        return  # by the program, which goes on
    try:
        told = gc.get_freeze_count() == frozen and _streams_are_plain() and _all_told(frozenset(template.preloaded))
    except Exception:
        told = False
    if told:
        template.kept.extend(sys.modules.pop(name) for name in template.preloaded if name in sys.modules)
        _API.Py_IncRef(ctypes.py_object(template.kept))
    else:
        _let_go()


def _is_called() -> bool:
    """Whether Python code is what called the exit handlers."""
    try:
        return sys._getframe(2) is not None
    except ValueError:
        return False


def _let_go() -> None:
    """Hold nothing of the program: what is shared is garbage too now, and its caches are emptied."""
    gc.unfreeze()
    for thing in gc.get_objects():
        if type(thing) is functools._lru_cache_wrapper:
            thing.cache_clear()


def _streams_are_plain() -> bool:
    """Whether flushing stdout and stderr, which comes later, runs nothing of the program."""
    return all(stream is None or type(stream) is _io.TextIOWrapper for stream in (sys.stdout, sys.stderr))


def _all_told(shared: Container[str]) -> bool:
    """Whether nothing that the program made has anything left to do when it is deleted. Runs none of its code."""
    if any(map(_foreign, (module for name, module in list(sys.modules.items()) if name not in shared))):
        return False
    finalised: dict[type, bool] = {}
    for thing in gc.get_objects():
        kind = type(thing)
        if kind not in finalised:
            finalised[kind] = _finalised(kind)
        if finalised[kind] and not _told(thing, kind, shared):
            return False
    return True


def _foreign(module: Any) -> bool:
    """Whether its objects may have destructors that Python does not show."""
    if not isinstance(module, types.ModuleType):
        return False
    file = types.ModuleType.__getattribute__(module, "__dict__").get("__file__")
    if not isinstance(file, str) or not file.endswith(".so"):
        return False
    return os.path.dirname(file) != os.path.join(os.path.dirname(os.__file__), "lib-dynload")


def _bases(kind: type) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Module and attributes of a class and of those that it is made from, whatever its metaclass says."""
    for base in type.__dict__["__mro__"].__get__(kind):
        attributes = type.__dict__["__dict__"].__get__(base)
        module = attributes.get("__module__")
        yield module if isinstance(module, str) else type.__getattribute__(base, "__module__"), attributes


def _finalised(kind: type) -> bool:
    bases = list(_bases(kind))
    closes = any(module in _CLOSE for module, _ in bases)
    return closes or any("__del__" in attributes for _, attributes in bases) or _is_reference(kind)


def _is_reference(kind: type) -> bool:
    return weakref.ReferenceType in type.__dict__["__mro__"].__get__(kind)


def _told(thing: Any, kind: type, shared: Container[str]) -> bool:
    if _is_reference(kind):
        return _harmless(_CALLBACK.__get__(thing), shared)
    if kind.__module__ == "_io":
        return bool(thing.closed or not thing.writable())
    if kind in _SUSPENDED:
        return getattr(thing, _SUSPENDED[kind]) is None
    where = next((module for module, attributes in _bases(kind) if "__del__" in attributes), "")
    return where == "_socket" or (where in shared and where.startswith("clara."))


def _harmless(callback: Any, shared: Container[str]) -> bool:
    """Whether it is that of a container of weak references, or of a table of abstract classes."""
    if callback is None or type(callback) is weakref.finalize:
        return True  # the latter runs as an exit handler, or never
    if isinstance(callback, types.FunctionType):
        return callback.__module__ in shared
    return getattr(callback, "__name__", "") == "_destroy" and isinstance(callback.__self__, weakref.ReferenceType)
