"""Which operator starts, is let on, or is stopped next. Pure decisions, no process in sight.

An operator that can wait in the driver (`early`) is started with the job and let on when its inputs are done; any
other is started only then. Either happens only when there is room for it (`capacity`), in the order in which inputs
became done, and in the definition's order among those of one moment. The first failure stops everything that runs;
what has not begun stays PENDING.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from clara_cli.runtime.capacity import Need, Room


class Node(NamedTuple):
    """One operator as the schedule sees it.

    Attributes:
        sources: names of the operators it reads from.
        early: whether its process may be started before it may execute.
        need: what it holds while it executes.
    """

    name: str
    sources: frozenset[str]
    early: bool
    need: Need = Need()


@dataclass(frozen=True)
class Start:
    """Start the operator's process; `ready` says that it may execute at once."""

    name: str
    ready: bool


@dataclass(frozen=True)
class LetOn:
    """An operator that was started early may execute now."""

    name: str


@dataclass(frozen=True)
class Stop:
    """End the operator's process."""

    name: str


# Operators that wait in the driver at the same time: each is a process with its memory.
EARLY = 16

Action = Start | LetOn | Stop


class Schedule:
    """The progress of one job over its graph of operators (directed, without cycles)."""

    def __init__(self, nodes: Iterable[Node], capacity: Room) -> None:
        self.capacity = capacity
        self.halted = False
        self.completed: set[str] = set()
        self._running: dict[str, None] = {}
        self._ready: set[str] = set()
        self._admitted: set[str] = set()
        self._queue: dict[str, Need] = {}
        self._nodes = {node.name: node for node in nodes}
        self._waiting = dict(self._nodes)
        self._needs = {node.name: node.need for node in self._nodes.values()}
        self._missing = {node.name: set(node.sources) for node in self._nodes.values()}
        self._readers: dict[str, list[str]] = {}
        for node in self._nodes.values():
            for source in node.sources:
                self._readers.setdefault(source, []).append(node.name)

    @property
    def running(self) -> tuple[str, ...]:
        """Operators whose process was started and has not ended, in order of their start."""
        return tuple(self._running)

    @property
    def finished(self) -> bool:
        """Whether nothing runs and nothing will be started any more."""
        return not self._running and (self.halted or not self._waiting)

    def ready(self, name: str) -> bool:
        """Whether the operator's inputs are done."""
        return name in self._ready

    def admitted(self, name: str) -> bool:
        """Whether the operator may execute: its inputs are done, and it holds what it needs."""
        return name in self._admitted

    def begin(self) -> list[Action]:
        """The job starts."""
        self._make_ready(node.name for node in self._nodes.values() if not node.sources)
        admitted = set(self._admit())
        return [self._start(node) for node in self._nodes.values() if node.name in admitted] + self._start_early()

    def ended(self, name: str, ok: bool) -> list[Action]:
        """An operator's process ended; `ok` when it did all that was asked of it."""
        del self._running[name]
        self._queue.pop(name, None)
        self.capacity.release(name)
        if self.halted:
            return []
        if not ok:
            return self.halt()
        self.completed.add(name)
        self._make_ready(self._without_missing(name))
        return self.retry()

    @property
    def waits_for_room(self) -> bool:
        """Whether an operator could execute if there were room for it."""
        return bool(self._queue) and not self.halted

    def retry(self) -> list[Action]:
        """There may be room for those who wait for it."""
        if self.halted:
            return []
        admitted = self._admit()
        actions = [self._start(self._waiting[item]) if item in self._waiting else LetOn(item) for item in admitted]
        return actions + self._start_early()

    def halt(self) -> list[Action]:
        """The job is over before its time: stop what runs, start nothing more."""
        self.halted = True
        return [Stop(name) for name in self._running]

    def _start_early(self) -> list[Action]:
        """Start operators that can wait in the driver, in order of their declaration and not too many at once."""
        room = EARLY - sum(1 for name in self._running if name not in self._admitted)
        early = (node for node in self._waiting.values() if node.early)
        return [self._start(node) for node in list(islice(early, max(0, room)))]

    def _without_missing(self, source: str) -> Iterator[str]:
        """The readers of an operator that completed, which now have all their inputs."""
        for reader in self._readers.get(source, ()):
            self._missing[reader].discard(source)
            if not self._missing[reader] and (reader in self._waiting or reader in self._running):
                yield reader

    def _make_ready(self, names: Iterable[str]) -> None:
        for name in names:
            self._ready.add(name)
            self._queue[name] = self._needs[name]

    def _admit(self) -> list[str]:
        admitted = self.capacity.admit(self._queue.items())
        for name in admitted:
            del self._queue[name]
        self._admitted.update(admitted)
        return admitted

    def _start(self, node: Node) -> Start:
        del self._waiting[node.name]
        self._running[node.name] = None
        return Start(node.name, node.name in self._admitted)
