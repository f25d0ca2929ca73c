"""The memory of a process and of all that come from it, wherever they put themselves."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_PAUSE = 0.005
_SET_CHILD_SUBREAPER = 36


def peak(argv: Sequence[str], environment: Mapping[str, str], folder: Path) -> float:
    """Run a process to its end; returns the greatest sum of PSS seen, in bytes. Each page counts once, however shared.

    Raises:
        CalledProcessError: it did not end well.
    """
    # Who leaves its parent becomes a child of this process, so that nobody is missed.
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = _below(os.getpid(), _parents())
    most = 0
    process = subprocess.Popen(
        argv,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None:
        most = max(most, sum(map(_proportional, _below(os.getpid(), _parents()) - before)))
        time.sleep(_PAUSE)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return float(most)


def _parents() -> dict[int, int]:
    """The parent of each process."""
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - looked at every few milliseconds
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    return found


def _below(top: int, parents: Mapping[int, int]) -> set[int]:
    """All that descend from a process."""
    found: set[int] = set()
    todo = [top]
    while todo:
        above = todo.pop()
        new = {pid for pid, parent in parents.items() if parent == above} - found
        found |= new
        todo += new
    return found


def _proportional(pid: int) -> int:
    """PSS of a process in bytes; 0 when it is gone."""
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) << 10
    return 0
