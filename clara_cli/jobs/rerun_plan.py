"""Which operators of a job have to run when it is run again. Pure decisions over the graph of operators.

Folders of an operator that completed are kept and can be shared; FastIO variables are memory, and gone with the job.
So an operator whose variable is read by one that runs has to run too, and so on up the graph. Its folders are written
anew; who read only the old ones and completed is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from clara_cli.pipelines.model import Pipeline


@dataclass(frozen=True)
class Node:
    """One operator: whose folders it reads (`streams`), and whose FastIO variables."""

    name: str
    streams: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()

    @property
    def sources(self) -> frozenset[str]:
        return self.streams | self.variables


def graph(pipeline: Pipeline) -> dict[str, Node]:
    """The operators of a pipeline by name, in its order."""
    nodes = {}
    for operator in pipeline.operators:
        read = [(item.source, item.fastio is not None) for item in operator.inputs if item.source is not None]
        streams = frozenset(source for source, fastio in read if not fastio)
        nodes[operator.name] = Node(operator.name, streams, frozenset(source for source, fastio in read if fastio))
    return nodes


def to_run(nodes: Mapping[str, Node], completed: Set[str], changed: Iterable[str] = ()) -> set[str]:
    """The names of the operators that have to run.

    Args:
        completed: those whose folders are there and whole.
        changed: those that run again in any case, with all that depends on them.
    """
    running = {name for name in nodes if name not in completed} | set(changed)
    return _with_producers(nodes, running | dependents(nodes, running))


def dependents(nodes: Mapping[str, Node], names: Iterable[str]) -> set[str]:
    """All that read from these operators, directly or through others."""
    readers: dict[str, list[str]] = {}
    for node in nodes.values():
        for source in node.sources:
            readers.setdefault(source, []).append(node.name)
    found: set[str] = set()
    todo = list(names)
    while todo:
        new = [reader for reader in readers.get(todo.pop(), ()) if reader not in found]
        found.update(new)
        todo += new
    return found


def _with_producers(nodes: Mapping[str, Node], names: set[str]) -> set[str]:
    """These operators, and those whose variables they read."""
    found, todo = set(names), list(names)
    while todo:
        new = nodes[todo.pop()].variables - found
        found |= new
        todo += new
    return found
