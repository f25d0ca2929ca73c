"""Operators and links of a pipeline, drawn from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from clara_cli.console.drawing.icons import ICON_SIZE, icon
from clara_cli.console.drawing.layout import Layout, Line, Point, Route, Size, layout
from clara_cli.console.drawing.text import shorten, width
from clara_cli.jobs.states import OperatorStatus
from clara_cli.pipelines.model import Input, Operator, Pipeline
from clara_cli.pipelines.types import describe

_NAME, _SMALL = 14.0, 12.0
_NARROWEST, _WIDEST, _HEIGHT, _PADDING = 132.0, 236.0, 50.0, 12.0
_WORDS_WIDEST, _WORD_HEIGHT, _MOST_WORDS = 230.0, 17.0, 3
_MARGIN, _ARROW = 6.0, 6.0


@dataclass(frozen=True)
class _Link:
    """All that one operator reads from another, or from the job's input (`source` is None)."""

    source: int | None
    target: int
    words: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The words that are drawn; the rest is in the tooltip."""
        if len(self.words) <= _MOST_WORDS:
            return self.words
        return (*self.words[: _MOST_WORDS - 1], f"and {len(self.words) - _MOST_WORDS + 1} more")


def graph_svg(pipeline: Pipeline, states: Mapping[str, OperatorStatus]) -> Markup:
    """Operators and links of a pipeline.

    Args:
        states: by operator name; empty for a definition alone. Names are those of the pipeline.
    """
    operators, links = pipeline.operators, _links(pipeline)
    lines = [Line(link.source, link.target, _words_size(link)) for link in links]
    laid = layout(tuple(Size(_box_width(operator), _HEIGHT) for operator in operators), tuple(lines))
    known = {name.casefold(): status for name, status in states.items()}
    found = [known.get(operator.name.casefold()) for operator in operators]
    parts = [
        *(_draw_link(link, route, found) for link, route in zip(links, laid.routes, strict=True)),
        *(_draw_words(link, route, operators) for link, route in zip(links, laid.routes, strict=True)),
        *(_draw_box(*each) for each in zip(operators, laid.boxes, found, strict=True)),
    ]
    return _svg(pipeline, laid, Markup("\n").join(parts))


def _links(pipeline: Pipeline) -> list[_Link]:
    places = {operator.name.casefold(): number for number, operator in enumerate(pipeline.operators)}
    found: dict[tuple[int | None, int], list[str]] = {}
    for target, operator in enumerate(pipeline.operators):
        for item in operator.inputs:
            source = None if item.source is None else places.get(item.source.casefold())
            if item.source is None or source is not None:
                found.setdefault((source, target), []).append(_word(item))
    return [_Link(source, target, tuple(words)) for (source, target), words in found.items()]


def _word(item: Input) -> str:
    """What runs along a link: its type, with the name of the output where it has one."""
    kind = describe(item.fastio) if item.fastio else item.element_type or "files"
    named = f"{item.name}: {kind}" if item.name else kind
    return f"job input · {named}" if item.source is None else named


def _box_width(operator: Operator) -> float:
    needed = max(width(operator.name, _NAME) + ICON_SIZE + 6, width(_image(operator), _SMALL)) + 2 * _PADDING
    return min(max(needed, _NARROWEST), _WIDEST)


def _words_size(link: _Link) -> Size:
    needed = max(width(word, _SMALL) for word in link.shown) + 10
    return Size(min(needed, _WORDS_WIDEST), len(link.shown) * _WORD_HEIGHT + 2)


def _image(operator: Operator) -> str:
    return operator.image.rpartition("/")[2]


def _draw_link(link: _Link, route: Route, states: Sequence[OperatorStatus | None]) -> Markup:
    state = _state_class(states[link.source]) if link.source is not None else "from-input"
    end = route.points[-1]
    return Markup('<g class="link {}"><path d="{}"/><path class="arrow" d="M{} {}l{} {}h{}z"/></g>').format(
        state, _curve(route.points), _n(end.x), _n(end.y), _n(-_ARROW * 0.7), _n(-_ARROW), _n(_ARROW * 1.4)
    )


def _curve(points: Sequence[Point]) -> str:
    """A line that leaves and enters each point upright."""
    *before, end = points
    path = f"M{_n(points[0].x)} {_n(points[0].y)}"
    for one, other in zip(points, (*before[1:], Point(end.x, end.y - _ARROW / 2)), strict=False):
        half = _n((one.y + other.y) / 2)
        path += f"C{_n(one.x)} {half} {_n(other.x)} {half} {_n(other.x)} {_n(other.y)}"
    return path


def _draw_words(link: _Link, route: Route, operators: Sequence[Operator]) -> Markup:
    size, at = _words_size(link), route.at
    whence = "the job's input" if link.source is None else operators[link.source].name
    lines = Markup().join(
        Markup('<text x="{}" y="{}">{}</text>').format(
            _n(at.x), _n(at.y - size.height / 2 + 13.5 + number * _WORD_HEIGHT), shorten(word, size.width - 8, _SMALL)
        )
        for number, word in enumerate(link.shown)
    )
    return Markup(
        '<g class="words{}"><title>{} → {}\n{}</title><rect x="{}" y="{}" width="{}" height="{}" rx="4"/>{}</g>'
    ).format(
        " from-input" if link.source is None else "",
        *(whence, operators[link.target].name, "\n".join(link.words)),
        *(_n(at.x - size.width / 2), _n(at.y - size.height / 2), _n(size.width), _n(size.height), lines),
    )


def _draw_box(operator: Operator, at: Point, status: OperatorStatus | None) -> Markup:
    wide = _box_width(operator)
    left, top, room = at.x - wide / 2, at.y - _HEIGHT / 2, wide - 2 * _PADDING
    word = status.value.lower() if status else ""
    second = word or _image(operator)
    name_left = left + _PADDING + (ICON_SIZE + 6 if status else 0)
    shown = shorten(operator.name, room - (ICON_SIZE + 6 if status else 0), _NAME)
    told = ", ".join(filter(None, (operator.name, word, f"image {operator.image}:{operator.tag}")))
    return Markup(
        '<a class="node {}" href="#operator-{}" aria-label="{}"><title>{}</title>'
        '<rect x="{}" y="{}" width="{}" height="{}" rx="7"/>{}'
        '<text class="name" x="{}" y="{}">{}</text><text class="second" x="{}" y="{}">{}</text></a>'
    ).format(
        *(_state_class(status), quote(operator.name), told, told),
        *(_n(left), _n(top), _n(wide), _n(_HEIGHT)),
        icon(status, left + _PADDING, top + 9) if status else "",
        *(_n(name_left), _n(top + 21), shown),
        *(_n(left + _PADDING), _n(top + 39), shorten(second, room, _SMALL)),
    )


def _state_class(status: OperatorStatus | None) -> str:
    return f"state-{status.value.lower()}" if status else "state-none"


def _svg(pipeline: Pipeline, laid: Layout, content: Markup) -> Markup:
    wide, high = laid.width + 2 * _MARGIN, laid.height + 2 * _MARGIN
    return Markup(
        '<svg class="drawing pipeline-graph" role="group" aria-label="{}" width="{}" height="{}" '
        'viewBox="{} {} {} {}">\n{}\n</svg>'
    ).format(
        f"Operators of {pipeline.name} and what they read from each other",
        *(_n(wide), _n(high), _n(-_MARGIN), _n(-_MARGIN), _n(wide), _n(high), content),
    )


def _n(value: float) -> str:
    """A number as short as it can be drawn."""
    shown = f"{value:.1f}".removesuffix(".0")
    return "0" if shown == "-0" else shown
