"""A forked process becomes an operator: all that a program started anew would find, or else it is started anew."""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import functools
import gc
import os
import resource
import signal
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ending
import entering
import imaging
import suiting

if TYPE_CHECKING:
    from forking import Request, Template

_API = ctypes.pythonapi
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.fopen.restype = ctypes.c_void_p
_API.PyRun_SimpleFileExFlags.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
# Status of a program that could not be set up, as shells and bubblewrap say it.
_CANNOT = 127


def become(request: Request, template: Template) -> Callable[[], Any]:
    """Have everything as the operator is to have it; returns what runs its program."""
    asked = request.asked
    try:
        os.setsid()
        if request.enclosed:
            entering.drop_rights()
        _place(request)
        for number, limits in asked["limits"]:
            resource.setrlimit(number, tuple(limits))
        os.chdir(asked["cwd"])
        script = suiting.script(asked["argv"], template.preloaded)
        if script is None or not imaging.describe(asked["argv"], asked["environment"]):
            _start_anew(asked["argv"], asked["environment"])
            assert script is not None  # not reached
        _set_environment(asked["environment"])
        _set_interpreter(asked["argv"], script, template)
        return _program(script)
    except BaseException as error:
        os.write(2, "cannot start {!r}: {!r}\n".format(asked["argv"][0], error).encode())
        os._exit(_CANNOT)


def _place(request: Request) -> None:
    """stdin, stdout and stderr, and every descriptor at its number; all others are closed."""
    numbers = request.asked["numbers"]
    above = max([*numbers, 2]) + 1
    copies = [_above(number, above) for number in request.inherited]
    output, nothing = _above(request.output, above), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number in (1, 2):
        os.dup2(output, number)
    for copy, number in zip(copies, numbers, strict=True):
        os.dup2(copy, number)
    kept = {0, 1, 2, *numbers}
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                pass  # that of the list itself


def _above(number: int, least: int) -> int:
    return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, least)


def _start_anew(argv: list[str], environment: dict[str, str]) -> None:
    """Become the program in the ordinary way."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execve(argv[0], argv, environment)


def _set_environment(environment: dict[str, str]) -> None:
    for name in list(os.environ):
        if name not in environment:
            del os.environ[name]
    os.environ.update(environment)


def _set_interpreter(argv: list[str], script: str, template: Template) -> None:
    place = argv.index(script)
    sys.argv = list(argv[place:])
    sys.orig_argv = list(argv)
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, os.path.dirname(os.path.realpath(script)))
    main = types.ModuleType("__main__")
    for name, value in template.main.items():
        if name not in ("__file__", "__cached__"):
            vars(main)[name] = value
    main.__doc__ = None
    template.kept.append(sys.modules["__main__"])
    sys.modules["__main__"] = main
    threads: Any = sys.modules.get("threading")
    if threads is not None:
        threads.main_thread()._set_native_id()  # that of the process in between is still there
    numbers = sys.modules.get("numpy.random")
    if numbers is not None:
        numbers.seed()
    # The first to be registered is the last to be called, when nothing of the program runs any more.
    atexit.register(ending.leave_alone, template, gc.get_freeze_count())


def _program(script: str) -> Callable[[], Any]:
    path = os.fsencode(script if os.path.isabs(script) else os.path.join(os.getcwd(), script))
    file = _LIBC.fopen(path, b"rb")
    run: Any = _API.PyRun_SimpleFileExFlags
    run.errcheck = ending.keep
    return functools.partial(run, file, path, 1, None)
