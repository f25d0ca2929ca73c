"""Where things stand in their rows: near what they are joined with, never over each other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from clara_cli.console.drawing.order import Links

_SWEEPS = 60


def places(
    rows: Sequence[Sequence[int]], widths: Sequence[float], weights: Sequence[float], links: Links, gap: float
) -> list[float]:
    """The middle of each node, from left to right beginning at 0 for the leftmost edge.

    Args:
        rows: of nodes, each in its order.
        weights: how much a node wants to stand right under its neighbours.
        links: for each node its neighbours above and below.
        gap: between two nodes of a row, at least.
    """
    middle = [0.0] * len(widths)
    for row in rows:
        edge = 0.0
        for node in row:
            middle[node] = edge + widths[node] / 2
            edge += widths[node] + gap
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [_mean([middle[other] for other in links[node]], middle[node]) for node in row]
            apart = [(widths[a] + widths[b]) / 2 + gap for a, b in pairwise(row)]
            for node, place in zip(row, spread(wanted, apart, [weights[node] for node in row]), strict=True):
                middle[node] = place
    left = min((middle[node] - widths[node] / 2 for row in rows for node in row), default=0.0)
    return [place - left for place in middle]


def spread(wanted: Sequence[float], apart: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The places nearest to those wanted (in the least squares) that keep their order and distances.

    Args:
        apart: the least distance between each place and the next.
    """
    offsets = [0.0]
    for distance in apart:
        offsets.append(offsets[-1] + distance)
    # With the distances taken away what is left must not fall: isotonic regression, by pooling those that do.
    pools: list[tuple[float, float, int]] = []
    for place, offset, weight in zip(wanted, offsets, weights, strict=False):
        value, heavy, count = place - offset, weight, 1
        while pools and pools[-1][0] > value:
            other, more, further = pools.pop()
            value = (value * heavy + other * more) / (heavy + more)
            heavy, count = heavy + more, count + further
        pools.append((value, heavy, count))
    level = [value for value, _, count in pools for _ in range(count)]
    return [value + offset for value, offset in zip(level, offsets, strict=False)]


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
