"""A draft without faults → the pipeline. What is not known before a job starts stays as it is written."""

from __future__ import annotations

from typing import Any

from clara_cli.pipelines import versions
from clara_cli.pipelines.draft import Draft, OperatorDraft, container_path
from clara_cli.pipelines.links import Link
from clara_cli.pipelines.model import Connection, Input, Operator, Pipeline, Requests, Service
from clara_cli.pipelines.nodes import Path

_CONNECTIONS = ("http", "file", "volume")


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
    models = values.get("models") or values.get("model") or ()
    return Operator(
        **_program(values),
        inputs=tuple(_input(port.item, links.get(port.path)) for port in draft.inputs),
        outputs=tuple(port.item for port in draft.outputs),
        services=tuple(_service(item) for item in values.get("services") or ()),
        models=tuple(dict.fromkeys(item["name"] for item in models)),
        timeout=_number(values.get("timeout")),
    )


def _service(values: dict[str, Any]) -> Service:
    given = values.get("connections") or {}
    connections = [_connection(kind, item) for kind in _CONNECTIONS for item in given.get(kind) or ()]
    return Service(**_program(values), connections=tuple(connections))


def _program(values: dict[str, Any]) -> dict[str, Any]:
    """What operators and services have in common."""
    container = values["container"]
    requests = values.get("requests") or {}
    return {
        "name": values["name"],
        "image": container["image"],
        "tag": container.get("tag", "latest"),
        "command": tuple(container.get("command") or ()),
        # Undocumented in the container, yet real definitions have them there.
        "variables": _variables(container) | _variables(values),
        "requests": Requests(*(_number(requests.get(key)) for key in ("cpu", "gpu", "memory"))),
        "description": values.get("description") or "",
    }


def _connection(kind: str, values: dict[str, Any]) -> Connection:
    path = values.get("path")
    return Connection(
        name=values["name"],
        kind=kind,
        port=_number(values.get("port")) if kind == "http" else None,
        path=container_path(path) if isinstance(path, str) and kind != "http" else None,
    )


def _input(item: Input, link: Link | None) -> Input:
    return item._replace(source=link.source, name=link.name) if link else item


def _variables(values: dict[str, Any]) -> dict[str, str]:
    return {name: value or "" for name, value in (values.get("variables") or {}).items()}


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal()) else None
