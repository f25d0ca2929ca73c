"""Which operator starts, is let on, or is stopped next. Pure decisions, no process in sight.

An operator that can wait in the driver (`early`) is started with the job and let on when its inputs are done; any
other is started only then. The first failure stops everything that runs; what has not begun stays PENDING.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Node:
    """One operator as the schedule sees it: its name, the operators it reads from, whether it may start early."""

    name: str
    sources: frozenset[str]
    early: bool


@dataclass(frozen=True)
class Start:
    """Start the operator's process; `ready` says that its inputs are done already."""

    name: str
    ready: bool


@dataclass(frozen=True)
class LetOn:
    """The inputs of an operator that was started early are done now."""

    name: str


@dataclass(frozen=True)
class Stop:
    """End the operator's process."""

    name: str


Action = Start | LetOn | Stop


@dataclass
class Schedule:
    """The progress of one job over its graph of operators (directed, without cycles)."""

    nodes: Iterable[Node]
    halted: bool = False
    completed: set[str] = field(default_factory=set)
    _running: dict[str, None] = field(default_factory=dict)
    _ready: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.nodes = {node.name: node for node in self.nodes}.values()
        self._waiting = {node.name: node for node in self.nodes}
        self._missing = {node.name: set(node.sources) for node in self.nodes}
        self._readers: dict[str, list[str]] = {}
        for node in self.nodes:
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

    def begin(self) -> list[Action]:
        """The job starts."""
        starts: list[Action] = []
        for node in list(self._waiting.values()):
            if node.early or not self._missing[node.name]:
                starts.append(self._start(node))
        return starts

    def ended(self, name: str, ok: bool) -> list[Action]:
        """An operator's process ended; `ok` when it did all that was asked of it."""
        del self._running[name]
        if self.halted:
            return []
        if not ok:
            return self.halt()
        self.completed.add(name)
        actions: list[Action] = []
        for reader in self._readers.get(name, ()):
            self._missing[reader].discard(name)
            if self._missing[reader]:
                continue
            if reader in self._waiting:
                actions.append(self._start(self._waiting[reader]))
            elif reader in self._running:
                self._ready.add(reader)
                actions.append(LetOn(reader))
        return actions

    def halt(self) -> list[Action]:
        """The job is over before its time: stop what runs, start nothing more."""
        self.halted = True
        return [Stop(name) for name in self._running]

    def _start(self, node: Node) -> Start:
        del self._waiting[node.name]
        self._running[node.name] = None
        ready = not self._missing[node.name]
        if ready:
            self._ready.add(node.name)
        return Start(node.name, ready)
