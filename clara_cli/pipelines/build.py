"""A draft without faults → the pipeline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clara_cli.pipelines import versions
from clara_cli.pipelines.draft import Draft, OperatorDraft
from clara_cli.pipelines.links import Link
from clara_cli.pipelines.model import Input, Operator, Pipeline, Requests
from clara_cli.pipelines.nodes import Path


def build(draft: Draft, links: list[Link]) -> Pipeline:
    """The pipeline; sources and names of inputs spelled as the upstream operator declares them."""
    values = draft.document.value
    by_path = {link.path: link for link in links}
    return Pipeline(
        name=values["name"],
        api_version=values.get("api-version", versions.DEFAULT),
        orchestrator=draft.orchestrator or "Clara",
        operators=tuple(_operator(operator, by_path) for operator in draft.operators),
        description=values.get("description") or "",
        timeout=_number(values.get("timeout")),
    )


def _operator(draft: OperatorDraft, links: dict[Path, Link]) -> Operator:
    values = draft.values
    container = values["container"]
    requests = values.get("requests") or {}
    return Operator(
        name=values["name"],
        image=container["image"],
        tag=container.get("tag", "latest"),
        command=tuple(container.get("command") or ()),
        inputs=tuple(_input(port.item, links.get(port.path)) for port in draft.inputs),
        outputs=tuple(port.item for port in draft.outputs),
        # Undocumented in the container, yet real definitions have them there.
        variables=_variables(container) | _variables(values),
        requests=Requests(*(_number(requests.get(key)) for key in ("cpu", "gpu", "memory"))),
        description=values.get("description") or "",
    )


def _input(item: Input, link: Link | None) -> Input:
    return replace(item, source=link.source, name=link.name) if link else item


def _variables(values: dict[str, Any]) -> dict[str, str]:
    return {name: value or "" for name, value in (values.get("variables") or {}).items()}


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
