"""The lock by which a job's runner is known to be alive.

It is an flock on a file of the job's folder: the kernel drops it with the last process that holds the descriptor,
however that process ends. A detached runner inherits it from the command that started it. The file holds the number
of the runner's process.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clara_cli.errors import StoreError

if TYPE_CHECKING:
    from types import FrameType

# Who only looks holds a lock for a moment; who must have it tries for as long as this (seconds).
MOMENT = 0.5


def acquire(folder: Path, patience: float = 0.0) -> int | None:
    """Take the lock of the job whose folder this is.

    Args:
        patience: seconds for which a lock that is taken is tried again.

    Returns:
        a descriptor that holds the lock until it is closed; None while a runner lives.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot use the job's folder {folder}: {error.strerror}") from error
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(handle)
                return None
            time.sleep(0.002)
        except OSError as error:
            os.close(handle)
            raise StoreError(f"cannot lock {folder / 'lock'}: {error.strerror}") from error


def is_held(folder: Path) -> bool:
    """Whether a runner lives. A file that is not this user's to open counts as held."""
    try:
        handle = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        # Shared: those who look do not take each other for a runner.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(handle)


def wait_for_release(folder: Path, seconds: float | None = None) -> bool:
    """Wait until no runner lives: in the kernel where signals can be used, else by looking now and then.

    Args:
        seconds: how long at the most; None for ever.

    Returns:
        whether no runner lives.
    """
    try:
        handle = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise StoreError(f"cannot use the job's folder {folder}: {error.strerror}") from error
    try:
        if threading.current_thread() is not threading.main_thread():
            return _look_now_and_then(handle, seconds)
        with _alarm(seconds):
            fcntl.flock(handle, fcntl.LOCK_SH)
        return True
    except _TimeIsUp:
        return False
    finally:
        os.close(handle)


class _TimeIsUp(Exception):
    pass


@contextmanager
def _alarm(seconds: float | None) -> Iterator[None]:
    """Raise _TimeIsUp in the main thread after some seconds."""
    if seconds is None:
        yield
        return

    import signal

    def ring(number: int, frame: FrameType | None) -> None:
        raise _TimeIsUp

    previous = signal.signal(signal.SIGALRM, ring)
    try:
        # 0 would mean never.
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, previous)


def _look_now_and_then(handle: int, seconds: float | None) -> bool:
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(0.05)


def sign(handle: int) -> None:
    """Write the number of this process into the lock that it holds."""
    os.pwrite(handle, f"{os.getpid():<10}".encode(), 0)


def signer(folder: Path) -> int | None:
    """The number of the process that signed the lock last."""
    try:
        return int((folder / "lock").read_bytes())
    except (OSError, ValueError):
        return None
