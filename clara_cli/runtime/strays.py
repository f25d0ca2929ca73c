"""Finding and ending processes by the job id in their environment.

The environment survives what a process group and a parent do not: double forks, new sessions, a dead runner.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

JOB_VARIABLE = "NVIDIA_CLARA_JOBID"
STAGE_VARIABLE = "NVIDIA_CLARA_STAGENAME"
_PATIENCE = 2.0
# From so many processes on they are stopped before they are killed, and waited for this long (seconds).
_MANY = 50
_PATIENCE_WITH_MANY = 60.0


def end_strays(job_id: str, stage: str | None = None) -> int:
    """Kill every process of a job (or of one operator of it) and wait until they are gone.

    The caller and its ancestors are left alone: `clara` may itself be called by an operator.

    Returns:
        how many processes were found.
    """
    marks = {f"{JOB_VARIABLE}={job_id}".encode()}
    if stage is not None:
        marks.add(f"{STAGE_VARIABLE}={stage}".encode())
    spared = _ancestry()
    ended: set[int] = set()
    began = time.monotonic()
    deadline = began + _PATIENCE
    # A process can fork while it is looked for, hence until a look finds none.
    while time.monotonic() < deadline:
        own = [pid for pid in _own_processes() if pid not in spared]
        found = [pid for pid in own if _marked(pid, marks)]
        if len(found) >= _MANY:
            found = _freeze(found, marks, spared)
            deadline = max(deadline, began + _PATIENCE_WITH_MANY)
        for pid in found:
            _kill(pid, marks)
        ended.update(found)
        if not found and not any(map(_becoming, own)):
            break
        time.sleep(0.002)
    return len(ended)


def _freeze(found: list[int], marks: set[bytes], spared: set[int]) -> list[int]:
    """Stop processes that multiply until none is left that could: one that is killed makes room for another.

    Returns:
        all of them; each is stopped, so their number grows until the limit of the user's processes at the most.
    """
    frozen: set[int] = set()
    end = time.monotonic() + _PATIENCE_WITH_MANY
    while (new := [pid for pid in found if pid not in frozen]) and time.monotonic() < end:
        for pid in new:
            _kill(pid, marks, signal.SIGSTOP)
        frozen.update(new)
        found = [pid for pid in _own_processes() if pid not in spared and _marked(pid, marks)]
    return list(frozen)


def ask_strays(job_id: str, stage: str, groups: set[int]) -> None:
    """Ask the processes that an operator started outside its own process groups to end (SIGTERM)."""
    marks = {f"{JOB_VARIABLE}={job_id}".encode(), f"{STAGE_VARIABLE}={stage}".encode()}
    spared = _ancestry()
    with suppress(OSError):  # who is not asked is killed later
        for pid in _own_processes():
            if pid not in spared and _marked(pid, marks) and os.getpgid(pid) not in groups:
                _kill(pid, marks, signal.SIGTERM)


def _own_processes() -> Iterator[int]:
    user = os.geteuid()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if entry.stat().st_uid == user:
                    yield int(entry.name)


def _marked(pid: int, marks: set[bytes]) -> bool:
    """Whether all marks stand in the process's environment; a zombie has none left."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - read for every process of the user
            return marks <= set(file.read().split(b"\0"))
    except OSError:
        return False


def _becoming(pid: int) -> bool:
    """Whether a process is about to become another program: for a moment its environment cannot be seen."""
    try:
        if Path(f"/proc/{pid}/environ").read_bytes() or Path(f"/proc/{pid}/cmdline").read_bytes():
            return False
        state, *rest = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return False
    kernel_thread = int(rest[5]) & 0x00200000  # PF_KTHREAD
    return state not in (b"Z", b"X") and not kernel_thread


def _kill(pid: int, marks: set[bytes], number: signal.Signals = signal.SIGKILL) -> None:
    with suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            # Looked at again through the handle's lifetime: the number may belong to another by now.
            if _marked(pid, marks):
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def _ancestry() -> set[int]:
    pids = {os.getpid()}
    pid = os.getpid()
    while pid > 1:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            break
        pids.add(pid)
    return pids
