"""The exit status of a process that ends by itself, decided when nothing of Python is left to run."""

from __future__ import annotations

from clara.handlers import leave


def force_status(status: int) -> None:
    """Let this process end as it would, but with another status; to be called while it ends (`atexit`).

    Python ends normally: later exit handlers run, files are flushed and closed, objects are deleted. Only then the
    C library's own exit handlers run, and the one registered here calls `exit` again, which on Linux goes on with
    the remaining handlers and the new status (exit(3)). Without a C library to ask, the process ends here.

    Parameters
    ----------
    status : int
        1 to 255.
    """
    try:
        import ctypes

        library = ctypes.CDLL(None)
        # other C libraries do not let `exit` be called again
        end = library.exit if hasattr(library, "gnu_get_libc_version") else library._exit
        register = library.__cxa_atexit
        register.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        registered = register(ctypes.cast(end, ctypes.c_void_p), status, None) == 0
    except (ImportError, OSError, AttributeError):
        registered = False
    if not registered:
        leave(status)
