"""In what order things stand in their rows, so that few lines cross. Pure.

The heuristic of Sugiyama, Tagawa and Toda: each row in turn is sorted by where its neighbours above (then below) stand;
the best of all orders that were met is kept.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise

_SWEEPS = 12

# For each node those that it is joined with in the next row, or the one before.
Links = Sequence[Sequence[int]]


def ordered(rows: Sequence[Sequence[int]], below: Links, above: Links) -> list[list[int]]:
    """The rows, each in a better order. Lines go from row to row only."""
    current = [list(row) for row in rows]
    best, least = [list(row) for row in current], crossings(current, below)
    for sweep in range(_SWEEPS):
        if least == 0:
            break
        downwards = sweep % 2 == 0
        _sweep(current if downwards else current[::-1], above if downwards else below)
        found = crossings(current, below)
        if found < least:
            best, least = [list(row) for row in current], found
    return best


def crossings(rows: Sequence[Sequence[int]], below: Links) -> int:
    """How many pairs of lines cross."""
    total = 0
    for row, following in pairwise(rows):
        place = {node: at for at, node in enumerate(following)}
        ends: list[int] = []
        for node in row:
            targets = sorted(place[target] for target in below[node])
            # Lines that began further left and end further right are crossed.
            total += sum(len(ends) - bisect_right(ends, target) for target in targets)
            for target in targets:
                insort(ends, target)
    return total


def _sweep(rows: Sequence[list[int]], before: Links) -> None:
    for previous, row in pairwise(rows):
        place = {node: at for at, node in enumerate(previous)}
        own = {node: at * len(previous) / len(row) for at, node in enumerate(row)}
        row.sort(key=lambda node: _middle([place[other] for other in before[node]], own[node]))


def _middle(places: list[int], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise
