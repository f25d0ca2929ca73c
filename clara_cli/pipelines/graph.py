"""Cycles: no operator may wait for itself, directly or through others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

_MAX_SPELLED = 20


def cycles(edges: Sequence[Iterable[int]]) -> list[list[int]]:
    """One cycle of each knot of nodes, in the direction of the edges, starting at its first node.

    Args:
        edges: for each node the nodes that follow it.
    """
    following = [sorted(set(targets)) for targets in edges]
    groups = _Search(following).run()
    return [
        _shortest(following, set(group))
        for group in sorted(sorted(group) for group in groups)
        if len(group) > 1 or group[0] in following[group[0]]
    ]


def spell(names: Sequence[str]) -> str:
    """`a → b → a`; a long one is shortened in the middle."""
    if len(names) > _MAX_SPELLED:
        names = [*names[: _MAX_SPELLED - 1], f"… ({len(names)} operators)"]
    return " → ".join([*names, names[0]])


def _shortest(following: list[list[int]], group: set[int]) -> list[int]:
    """The shortest cycle through the group's first node, by breadth-first search."""
    start = min(group)
    before: dict[int, int] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for target in following[node]:
            if target == start:
                return _back(before, start, node)
            if target in group and target not in before:
                before[target] = node
                queue.append(target)
    return [start]


def _back(before: dict[int, int], start: int, node: int) -> list[int]:
    path = [node]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]


class _Search:
    """Tarjan's search for groups of nodes that all reach each other; not recursive, as chains may be long."""

    def __init__(self, following: list[list[int]]) -> None:
        self.groups: list[list[int]] = []
        self._following = following
        self._order: dict[int, int] = {}
        self._low: dict[int, int] = {}
        self._open: dict[int, None] = {}
        self._work: list[tuple[int, Iterator[int]]] = []

    def run(self) -> list[list[int]]:
        for root in range(len(self._following)):
            if root not in self._order:
                self._enter(root)
                while self._work:
                    self._step()
        return self.groups

    def _enter(self, node: int) -> None:
        self._order[node] = self._low[node] = len(self._order)
        self._open[node] = None
        self._work.append((node, iter(self._following[node])))

    def _step(self) -> None:
        node, targets = self._work[-1]
        for target in targets:
            if target not in self._order:
                self._enter(target)
                return
            if target in self._open:
                self._low[node] = min(self._low[node], self._order[target])
        self._leave(node)

    def _leave(self, node: int) -> None:
        self._work.pop()
        if self._work:
            parent = self._work[-1][0]
            self._low[parent] = min(self._low[parent], self._low[node])
        if self._low[node] == self._order[node]:
            group: list[int] = []
            while not group or group[-1] != node:
                group.append(self._open.popitem()[0])
            self.groups.append(group)
