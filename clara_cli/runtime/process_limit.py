"""How many processes an operator can have: what bounds a fork bomb.

For an ordinary user the kernel counts all processes and threads of the user (RLIMIT_NPROC). Operators are started
with a limit a few thousand above what the user has at that moment: more than any pipeline needs, and few enough that
the machine stays usable and the runner can end them. Root has no such limit; there it is the limit of the container
or of the system.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Processes and threads beyond what the user has: this many, or this many for each core.
HEADROOM = 4096
_PER_CORE = 64
# Capabilities that lift the limit: CAP_SYS_ADMIN and CAP_SYS_RESOURCE.
_LIFTING = 1 << 21 | 1 << 24


def process_limit() -> int | None:
    """The limit for an operator that starts now; None where there is none to set."""
    if not limit_binds():
        return None
    wanted = _threads_of_user() + max(HEADROOM, _PER_CORE * (os.cpu_count() or 1))
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    return wanted if soft == resource.RLIM_INFINITY else min(soft, wanted)


def limit_binds() -> bool:
    """Whether the kernel holds this user to a limit."""
    if os.getuid() == 0:
        return False
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123
            effective = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))
    except (OSError, StopIteration):
        return True
    return not effective & _LIFTING


@contextmanager
def limited(limit: int | None) -> Iterator[None]:
    """What is started within this has the limit, and can raise it no more once `fix` was told of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if limit is None:
        yield
        return
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))


def fix(pid: int, limit: int | None) -> None:
    """Make a limit final for a process that was started with it."""
    if limit is not None:
        with suppress(OSError):  # it has ended
            resource.prlimit(pid, resource.RLIMIT_NPROC, (limit, limit))


def _threads_of_user() -> int:
    """Processes and threads that run as this user."""
    user, count = os.getuid(), 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                info = os.stat(f"/proc/{entry.name}/task")  # noqa: PTH116
                # A folder has a link for each thread, and two of its own.
                count += info.st_nlink - 2 if info.st_uid == user else 0
    return count
