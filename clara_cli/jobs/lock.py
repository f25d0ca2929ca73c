"""The lock by which a job's runner is known to be alive.

It is an flock on a file of the job's folder: the kernel drops it with the last process that holds the descriptor,
however that process ends. A detached runner inherits it from the command that started it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from clara_cli.errors import StoreError


def acquire(folder: Path) -> int | None:
    """Take the lock of the job whose folder this is.

    Returns:
        a descriptor that holds the lock until it is closed; None while a runner lives.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot use the job's folder {folder}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError as error:
        os.close(handle)
        raise StoreError(f"cannot lock {folder / 'lock'}: {error.strerror}") from error
    return handle
