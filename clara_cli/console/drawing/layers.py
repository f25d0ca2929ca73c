"""Which operators stand side by side: the layer of each, from top to bottom. Pure."""

from __future__ import annotations

from collections.abc import Sequence

# More than this side by side would need a window wider than most.
WIDEST = 5


def layers(sources: Sequence[Sequence[int]], widest: int = WIDEST) -> list[int]:
    """The layer of each node: below all that it reads from, as high as there is room.

    Args:
        sources: for each node those that it reads from. In a circle, which no valid pipeline has, the link back is
            taken for none.
        widest: nodes in one layer at the most.
    """
    layer: list[int | None] = [None] * len(sources)
    filled: list[int] = []
    waiting = list(range(len(sources)))
    while waiting:
        ready = [node for node in waiting if all(layer[source] is not None for source in sources[node])]
        for node in ready or waiting[:1]:
            above = [place for source in sources[node] if (place := layer[source]) is not None]
            at = max(above, default=-1) + 1
            while at < len(filled) and filled[at] >= widest:
                at += 1
            filled += [0] * (at + 1 - len(filled))
            filled[at] += 1
            layer[node] = at
        waiting = [node for node in waiting if layer[node] is None]
    return [place or 0 for place in layer]
