"""Becoming the parent of a process whose parent ends: prctl(2), PR_SET_CHILD_SUBREAPER."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress

_SET_SUBREAPER, _GET_SUBREAPER = 36, 37
# Seconds that a process which has nothing left to do may take to end.
_PATIENCE = 10.0
_one_at_a_time = threading.Lock()


def adopt(parent: int, go: int) -> None:
    """Let a process end, and become the parent of its children.

    Only for that moment: who becomes an orphan at other times is no child of this process.

    Args:
        parent: it waits for a byte before it ends.
        go: where the byte is written.
    """
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    with _one_at_a_time:
        before = ctypes.c_int()
        prctl(_GET_SUBREAPER, ctypes.byref(before), 0, 0, 0)
        prctl(_SET_SUBREAPER, 1, 0, 0, 0)
        try:
            with suppress(OSError):  # it has ended already
                handle = os.pidfd_open(parent)
                try:
                    os.write(go, b"\n")
                    # Its children are handed on before this can be seen.
                    poller = select.poll()
                    poller.register(handle, select.POLLIN)
                    poller.poll(_PATIENCE * 1000)
                finally:
                    os.close(handle)
        finally:
            prctl(_SET_SUBREAPER, before.value, 0, 0, 0)
