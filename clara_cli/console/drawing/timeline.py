"""When operators began and ended."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from clara_cli.jobs.model import OperatorRecord


def timeline_svg(operators: Sequence[OperatorRecord], now: float) -> Markup:
    """Seconds that each operator took."""
    row = Markup("<li>{}: {:.1f} s</li>")
    rows = [
        row.format(item.name, (item.stopped or now) - item.started) for item in operators if item.started is not None
    ]
    return Markup("<ol>{}</ol>").format(Markup().join(rows))
