"""When operators began and ended, as bars along one axis of time.

Places along the axis are percentages of the drawing's width: it fills the page, and text keeps its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from clara_cli.console.drawing.icons import ICON_SIZE, icon
from clara_cli.console.words import duration
from clara_cli.jobs.model import OperatorRecord
from clara_cli.jobs.states import OperatorStatus

_TOP, _ROW, _BAR, _BAR_AT = 24, 40, 12, 22
_LEAST = 0.4
# Steps of the axis in seconds: those of clocks.
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_TICKS = 5


@dataclass(frozen=True)
class _Axis:
    """Seconds since 1970 at the left edge, and how many seconds the width is."""

    start: float
    length: float

    def percent(self, moment: float) -> float:
        return min(100.0, max(0.0, (moment - self.start) / self.length * 100))


def timeline_svg(operators: Sequence[OperatorRecord], now: float, began: float | None = None) -> Markup:
    """Bars from start to end; of an operator that runs, to `now` (seconds since 1970).

    Empty before the first operator has begun. What ended before the job `began` was taken over from an earlier one,
    days ago perhaps: it has no bar, or those of this job could not be seen beside the time between.
    """
    earlier = {item.name for item in operators if item.stopped is not None and item.stopped < (began or 0.0)}
    ran = [item for item in operators if item.name not in earlier]
    moments = [moment for item in ran for moment in (item.started, _end(item, now)) if moment is not None]
    if not moments:
        return Markup()
    axis = _Axis(min(moments), max(max(moments) - min(moments), 0.1))
    height = _TOP + _ROW * len(operators)
    rows = [_row(item, _TOP + number * _ROW, axis, now, item.name in earlier) for number, item in enumerate(operators)]
    return Markup(
        '<svg class="drawing timeline" role="group" aria-label="{}" width="100%" height="{}">\n{}\n{}\n</svg>'
    ).format(f"When {len(operators)} operators ran", height, _ticks(axis, height), Markup("\n").join(rows))


def step_of(length: float) -> float:
    """Seconds between two marks of an axis of that many seconds."""
    for step in _STEPS:
        if length / step <= _TICKS:
            return step
    return _STEPS[-1] * max(1, -(-length // (_STEPS[-1] * _TICKS)))


def _end(item: OperatorRecord, now: float) -> float | None:
    if item.started is None:
        return None
    return max(item.started, now if item.stopped is None else item.stopped)


def _ticks(axis: _Axis, height: float) -> Markup:
    step, marks, number = step_of(axis.length), [], 0
    while number * step <= axis.length:
        at = axis.percent(axis.start + number * step)
        anchor = "start" if at < 5 else "end" if at > 95 else "middle"
        marks.append(
            Markup(
                '<line class="mark" x1="{0:.2f}%" x2="{0:.2f}%" y1="18" y2="{1}"/>'
                '<text class="tick" x="{0:.2f}%" y="13" text-anchor="{2}">{3}</text>'
            ).format(at, height, anchor, _moment(number * step, step))
        )
        number += 1
    return Markup().join(marks)


def _moment(seconds: float, step: float) -> str:
    """A time on the axis: `0.5 s`, `30 s`, `2:00`, `1:30:00`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if step < 1 else f"{seconds:.0f} s"
    return duration(round(seconds))


def _row(item: OperatorRecord, top: float, axis: _Axis, now: float, earlier: bool) -> Markup:
    word = item.status.value.lower()
    end = _end(item, now)
    took = "" if item.started is None or end is None else duration(end - item.started)
    since = f"began after {duration(item.started - axis.start)}" if item.started is not None else "has not run"
    since = "in an earlier job" if earlier else since
    told = ", ".join(filter(None, (item.name, word, since, took and f"took {took}" if item.stopped else took)))
    return Markup(
        '<a class="bar state-{}" href="#operator-{}" aria-label="{}"><title>{}</title>'
        '<rect class="row" x="0" y="{}" width="100%" height="{}"/>{}'
        '<text class="name" x="{}" y="{}">{} <tspan class="second" dx="6">{}</tspan></text>{}</a>'
    ).format(
        *(word, quote(item.name), told, told, top, _ROW, icon(item.status, 2, top + 3)),
        *(ICON_SIZE + 8, top + 15, item.name, f"{word} {took}".strip() + (" in an earlier job" if earlier else "")),
        _bar(None if earlier else item.started, end, top, axis, item.status is OperatorStatus.RUNNING),
    )


def _bar(started: float | None, end: float | None, top: float, axis: _Axis, runs: bool) -> Markup:
    track = Markup('<rect class="track" x="0" y="{}" width="100%" height="{}" rx="3"/>').format(top + _BAR_AT, _BAR)
    if started is None or end is None:
        return track
    left = min(axis.percent(started), 100 - _LEAST)
    wide = max(axis.percent(end) - left, _LEAST)
    return track + Markup('<rect class="time{}" x="{:.2f}%" y="{}" width="{:.2f}%" height="{}" rx="3"/>').format(
        " runs" if runs else "", left, top + _BAR_AT, wide, _BAR
    )
