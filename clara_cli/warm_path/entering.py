"""Entering the view of files that bubblewrap has put together, with the rights that a process has inside."""

from __future__ import annotations

import ctypes
import os
import re
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_USER, _NEW_MOUNTS, _NEW_PIDS = 0x10000000, 0x20000, 0x20000000
# prctl(2)
_SET_DUMPABLE, _DROP_BOUNDING, _NO_NEW_PRIVILEGES, _AMBIENT, _CLEAR_ALL = 4, 24, 38, 47, 4
_CAPABILITIES_3 = 0x20080522
# What bubblewrap runs in the meantime: the second process of the namespace.
_INSIDE = "/proc/2/status"
_LAST = "/proc/sys/kernel/cap_last_cap"


def enter(told: int, ready: int) -> None:
    """Wait for the view and enter it; what is forked from now on is inside.

    Args:
        told: bubblewrap's `--info-fd`.
        ready: read until something inside runs.

    Raises:
        OSError: bubblewrap failed, or the view cannot be entered.
    """
    if not os.read(ready, 1):
        raise OSError("there is no view")
    found = re.search(rb'"child-pid": (\d+)', os.read(told, 1 << 16))
    if found is None:
        raise OSError("bubblewrap did not say where the view is")
    first = os.pidfd_open(int(found[1]))
    for flags in (_NEW_MOUNTS | _NEW_PIDS, _NEW_USER | _NEW_MOUNTS | _NEW_PIDS):
        if _LIBC.setns(first, flags) == 0:
            os.close(first)
            return
    raise _error("setns")


def drop_rights() -> None:
    """Have the rights of what bubblewrap started inside, and no others.

    Raises:
        OSError: they cannot be given up.
    """
    with open(_INSIDE) as status:
        wanted = dict(line.split(":\t", 1) for line in status.read().splitlines() if ":\t" in line)
    inherited, permitted, effective, bounding = (
        int(wanted[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")
    )
    with open(_LAST) as file:
        last = int(file.read())
    for number in range(last + 1):
        if not bounding >> number & 1 and _LIBC.prctl(24, number, 0, 0, 0):
            raise _error("prctl(PR_CAPBSET_DROP)")
    _check(_LIBC.prctl(_AMBIENT, _CLEAR_ALL, 0, 0, 0), "prctl(PR_CAP_AMBIENT)")
    words = (effective, permitted, inherited)
    low, high = (tuple(word >> shift & 0xFFFFFFFF for word in words) for shift in (0, 32))
    header = struct.pack("=Ii", _CAPABILITIES_3, 0)
    _check(_LIBC.capset(header, struct.pack("=6I", *low, *high)), "capset")
    if wanted["NoNewPrivs"].strip() == "1":
        _check(_LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")
    # Changing rights hides a process from its own user, until it becomes another program.
    _check(_LIBC.prctl(_SET_DUMPABLE, 1, 0, 0, 0), "prctl(PR_SET_DUMPABLE)")


def _check(result: int, what: str) -> None:
    if result:
        raise _error(what)


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, what + ": " + os.strerror(number))
