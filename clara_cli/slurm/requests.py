"""What a job asks of a node: the most that operators which can run side by side want together. Pure.

Operators can run side by side when none of them comes after another. The heaviest such set is found without trying
all: it weighs as much as all operators together, less the largest flow from operators to those that come after them
(Dilworth's theorem with weights).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from clara_cli.pipelines.model import Pipeline

# Megabytes of the runner itself, beside what operators ask for.
RUNNER = 256


@dataclass(frozen=True)
class Ask:
    """What a job asks for.

    Attributes:
        memory: megabytes; None where the definition says nothing.
        seconds: after which Slurm may end it; None for the cluster's own limit.
    """

    cpus: int
    memory: int | None
    gpus: int
    seconds: float | None = None


def ask_of(pipeline: Pipeline, *, cpus: int | None = None, memory: int | None = None) -> Ask:
    """What a job of this pipeline asks for, its services included.

    Args:
        cpus, memory: what the configuration lets a job use at once: more is not asked for, except by a single operator.
    """
    after = descendants({item.name: item.sources for item in pipeline.operators})
    requests = {item.name: item.requests for item in pipeline.operators}
    services = {(one.image, one.tag, one.command): one.requests for item in pipeline.operators for one in item.services}
    wanted = {name: max(1, item.cpu or 0) for name, item in requests.items()}
    beside = sum(item.cpu or 0 for item in services.values())
    cores = max(1, _bounded(heaviest(wanted, after), max(wanted.values(), default=1), cpus) + beside)
    megabytes = {name: item.memory or 0 for name, item in requests.items()}
    most = _bounded(heaviest(megabytes, after), max(megabytes.values(), default=0), memory)
    most += sum(item.memory or 0 for item in services.values())
    gpus = heaviest({name: item.gpu or 0 for name, item in requests.items()}, after)
    gpus += sum(item.gpu or 0 for item in services.values())
    return Ask(cores, most + RUNNER if most else None, gpus)


def _bounded(together: int, single: int, limit: int | None) -> int:
    return together if limit is None else max(single, min(together, limit))


def descendants(sources: Mapping[str, frozenset[str]]) -> dict[str, set[str]]:
    """Who comes after each operator, directly or not."""
    after: dict[str, set[str]] = {name: set() for name in sources}
    for name in sources:
        waiting, seen = [name], set[str]()
        while waiting:
            for source in sources.get(waiting.pop(), ()):
                if source in after and source not in seen:
                    seen.add(source)
                    after[source].add(name)
                    waiting.append(source)
    return after


def heaviest(weights: Mapping[str, int], after: Mapping[str, set[str]]) -> int:
    """The weight of the heaviest set of which no member comes after another."""
    weighty = {name: weight for name, weight in weights.items() if weight > 0}
    left = dict(weighty)  # what each may still send
    room = dict(weighty)  # what each may still take
    flow: dict[tuple[str, str], int] = {}
    followers = {name: [one for one in after[name] if one in weighty] for name in weighty}
    while (path := _path(followers, left, room, flow)) is not None:
        amount = min(left[path[0]], room[path[-1]])
        # From the second on, every other step takes back what was sent before.
        amount = min([amount, *(flow[path[step + 1], path[step]] for step in range(1, len(path) - 1, 2))])
        left[path[0]] -= amount
        room[path[-1]] -= amount
        for step in range(0, len(path) - 1, 2):
            flow[path[step], path[step + 1]] = flow.get((path[step], path[step + 1]), 0) + amount
        for step in range(1, len(path) - 1, 2):
            flow[path[step + 1], path[step]] -= amount
    return sum(weighty.values()) - sum(flow.values())


def _path(
    followers: Mapping[str, list[str]],
    left: Mapping[str, int],
    room: Mapping[str, int],
    flow: dict[tuple[str, str], int],
) -> list[str] | None:
    """A way on which more can be sent: sender, receiver, a sender to it, its other receiver, and so on."""
    came: dict[tuple[bool, str], tuple[bool, str] | None] = {(True, name): None for name in left if left[name]}
    queue = deque(came)
    while queue:
        place = queue.popleft()
        sending, name = place
        if not sending and room[name]:
            path: list[str] = []
            step: tuple[bool, str] | None = place
            while step is not None:
                path.append(step[1])
                step = came[step]
            return path[::-1]
        onward = followers[name] if sending else [one for (one, taker), sent in flow.items() if taker == name and sent]
        for one in onward:
            if (not sending, one) not in came:
                came[not sending, one] = place
                queue.append((not sending, one))
    return None
