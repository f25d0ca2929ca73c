"""Operators and links of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from clara_cli.jobs.states import OperatorStatus
from clara_cli.pipelines.model import Pipeline


def graph_svg(pipeline: Pipeline, states: Mapping[str, OperatorStatus]) -> Markup:
    """Operators in their order, with those that they read from."""
    row = Markup('<li class="state-{}">{} <span class="quiet">{}</span></li>')
    rows = [
        row.format(
            states.get(operator.name, OperatorStatus.PENDING).value.lower(), operator.name, ", ".join(operator.sources)
        )
        for operator in pipeline.operators
    ]
    return Markup("<ol>{}</ol>").format(Markup().join(rows))
