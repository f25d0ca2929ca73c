"""Where operators, the words on their links and the links themselves are drawn. Pure.

Operators stand in layers; between two layers is a row for the words of the links that end in the lower one. So words
never lie over each other or over an operator, however many links there are. A link that passes other layers has a bend
in each of their rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from clara_cli.console.drawing.layers import layers
from clara_cli.console.drawing.order import ordered
from clara_cli.console.drawing.places import places

_GAP, _ROW_GAP, _BEND = 26.0, 22.0, 10.0


@dataclass(frozen=True)
class Size:
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """What is to be drawn between two boxes.

    Attributes:
        source: the box that it comes from; None for a word above its target only.
        words: the room that its words need.
    """

    source: int | None
    target: int
    words: Size


@dataclass(frozen=True)
class Point:
    x: float
    y: float


@dataclass(frozen=True)
class Route:
    """How a line runs: through these points, with its words around the point `at`."""

    points: tuple[Point, ...]
    at: Point


@dataclass(frozen=True)
class Layout:
    """The middle of each box, the way of each line, and the size of it all."""

    boxes: tuple[Point, ...]
    routes: tuple[Route, ...]
    width: float
    height: float


# A page that shows a running job asks for the same one again and again.
@lru_cache(maxsize=64)
def layout(boxes: tuple[Size, ...], lines: tuple[Line, ...]) -> Layout:
    """Lay out boxes and lines from top to bottom."""
    grid = _Grid(boxes, lines)
    x = places(grid.rows, grid.widths, grid.weights, grid.neighbours(), _GAP)
    rows = _heights(grid)
    at = [Point(across, rows[row][0]) for across, row in zip(x, grid.row_of, strict=True)]
    routes = tuple(
        Route(_points(way, at, grid, rows), at[words]) for way, words in zip(grid.ways, grid.words, strict=True)
    )
    width = max((at[node].x + grid.widths[node] / 2 for node in range(len(at))), default=0.0)
    return Layout(tuple(at[: len(boxes)]), routes, width, rows[-1][0] + rows[-1][1] / 2 if rows else 0.0)


class _Grid:
    """Boxes, words and bends in rows. Boxes have the first numbers."""

    def __init__(self, boxes: Sequence[Size], lines: Sequence[Line]) -> None:
        sources: list[list[int]] = [[] for _ in boxes]
        for line in lines:
            if line.source is not None and line.source != line.target:
                sources[line.target].append(line.source)
        level = layers(sources)
        self.widths = [box.width for box in boxes]
        self.heights = [box.height for box in boxes]
        self.weights = [1.0] * len(boxes)
        # Words stand in the even rows, boxes in the odd ones.
        self.row_of = [2 * at + 1 for at in level]
        self.below: list[list[int]] = [[] for _ in boxes]
        self.above: list[list[int]] = [[] for _ in boxes]
        self.bends = [False] * len(boxes)
        self.words: list[int] = []
        self.ways = [self._way(line) for line in lines]
        rows: list[list[int]] = [[] for _ in range(max(self.row_of, default=-1) + 1)]
        for node, row in enumerate(self.row_of):
            rows[row].append(node)
        self.rows = ordered(rows, self.below, self.above)

    def neighbours(self) -> list[list[int]]:
        return [above + below for above, below in zip(self.above, self.below, strict=True)]

    def _way(self, line: Line) -> list[int]:
        """The nodes that a line passes, made where there are none yet."""
        row = self.row_of[line.target] - 1
        words = self._add(row, line.words.width, line.words.height, 1.0)
        self.words.append(words)
        if line.source is None or self.row_of[line.source] >= row:
            way = [words, line.target]  # its source is not above: a circle
        else:
            bends = [self._add(at, _BEND, 0.0, 4.0, bend=True) for at in range(self.row_of[line.source] + 1, row)]
            way = [line.source, *bends, words, line.target]
        for upper, lower in pairwise(way):
            self.below[upper].append(lower)
            self.above[lower].append(upper)
        return way

    def _add(self, row: int, width: float, height: float, weight: float, bend: bool = False) -> int:
        self.bends.append(bend)
        self.widths.append(width)
        self.heights.append(height)
        self.weights.append(weight)
        self.row_of.append(row)
        self.below.append([])
        self.above.append([])
        return len(self.widths) - 1


def _heights(grid: _Grid) -> list[tuple[float, float]]:
    """The middle and the height of each row."""
    found, edge = [], 0.0
    for row in grid.rows:
        height = max((grid.heights[node] for node in row), default=0.0)
        found.append((edge + height / 2, height))
        edge += height + (_ROW_GAP if row else 0.0)
    return found


def _points(way: list[int], at: list[Point], grid: _Grid, rows: list[tuple[float, float]]) -> tuple[Point, ...]:
    """From the lower edge of the first box to the upper edge of the last, upright through the rows between."""
    found = []
    for node in way:
        # Words are no box: a line goes on behind them.
        half = rows[grid.row_of[node]][1] / 2 if grid.bends[node] else grid.heights[node] / 2
        found += [Point(at[node].x, at[node].y - half), Point(at[node].x, at[node].y + half)]
    return tuple(found[1:-1])
