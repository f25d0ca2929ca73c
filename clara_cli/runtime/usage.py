"""What an operator takes: CPU time and memory, looked at now and then while it runs.

Processes inside bubblewrap are nobody's children here, so that the kernel tells nobody what they took when they end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

_TICK = os.sysconf("SC_CLK_TCK")
# Between looks: this part of its age, within these bounds (seconds). So what is missed of a long one is little, and a
# short one costs nothing.
_PART, _SHORTEST, _LONGEST = 0.1, 0.05, 1.0


class Usage(NamedTuple):
    """What an operator's processes took.

    Attributes:
        cpu_seconds: on all cores together.
        peak_memory: the most that they had at once, in bytes: of their own, or of one with all that it maps.
    """

    cpu_seconds: float
    peak_memory: int


class Meter:
    """Looks at a process and its descendants.

    Args:
        pid: gives the process; None while it is not known.

    Attributes:
        usage: what was seen so far; None before the first look.
    """

    def __init__(self, pid: Callable[[], int | None]) -> None:
        self._pid = pid
        self._began = time.monotonic()
        self._next = self._began + _SHORTEST
        self.usage: Usage | None = None

    def patience(self, now: float) -> float:
        """Seconds until it is to be looked at again."""
        return max(0.0, self._next - now)

    def look(self, now: float) -> None:
        """Look, if it is time to."""
        if now < self._next:
            return
        self._next = now + min(_LONGEST, max(_SHORTEST, (now - self._began) * _PART))
        first = self._pid()
        if first is None:
            return
        ticks = memory = own = 0
        todo = [first]
        while todo:
            pid = todo.pop()
            try:
                with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
                    fields = file.read().rpartition(b")")[2].split()
                with open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123
                    status = dict(line.split(b":", 1) for line in file.read().splitlines() if b":" in line)
                with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:  # noqa: PTH123
                    todo += map(int, file.read().split())
            except (OSError, ValueError):
                continue  # it has just ended
            # user and system time of its own, and of children that it has waited for
            ticks += sum(map(int, fields[11:15]))
            memory = max(memory, _kilobytes(status, b"VmHWM"))
            own += _kilobytes(status, b"RssAnon")
        before = self.usage or Usage(0.0, 0)
        self.usage = Usage(max(before.cpu_seconds, ticks / _TICK), max(before.peak_memory, memory << 10, own << 10))


def _kilobytes(status: dict[bytes, bytes], name: bytes) -> int:
    return int(status.get(name, b"0").split()[0])
