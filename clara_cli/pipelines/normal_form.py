"""A definition as `clarac` writes it: without imports and placeholders, every key in its usual place."""

from __future__ import annotations

from typing import Any

from clara_cli.pipelines.load import Loaded
from clara_cli.pipelines.model import Connection, Input, Operator, Output, Pipeline, Requests, Service
from clara_cli.pipelines.types import kind_of


def to_text(loaded: Loaded) -> str:
    """The normal form as YAML."""
    import yaml

    return yaml.safe_dump(normal_form(loaded), sort_keys=False, allow_unicode=True, width=2**31)


def normal_form(loaded: Loaded) -> dict[str, Any]:
    """The normal form as plain values: numbers stay numbers, inputs and outputs always have a `name`."""
    pipeline: Pipeline = loaded.pipeline
    secrets = loaded.document.value.get("pull-secrets")
    return {
        "api-version": pipeline.api_version,
        "orchestrator": pipeline.orchestrator,
        "name": pipeline.name,
        **_said("description", pipeline.description),
        **_said("pull-secrets", secrets),
        **_said("timeout", pipeline.timeout),
        "operators": [_operator(operator) for operator in pipeline.operators],
    }


def _operator(operator: Operator) -> dict[str, Any]:
    return {
        **_program(operator),
        "input": [_port(item) for item in operator.inputs],
        **_said("output", [_port(item) for item in operator.outputs]),
        **_said("services", [_service(service) for service in operator.services]),
        **_said("models", [{"name": name} for name in operator.models]),
        **_said("timeout", operator.timeout),
    }


def _service(service: Service) -> dict[str, Any]:
    connections: dict[str, list[dict[str, Any]]] = {}
    for item in service.connections:
        connections.setdefault(item.kind, []).append(_connection(item))
    return {**_program(service), **_said("connections", connections)}


def _connection(item: Connection) -> dict[str, Any]:
    return {"name": item.name, **_said("port", item.port), **_said("path", item.path)}


def _program(part: Operator | Service) -> dict[str, Any]:
    return {
        "name": part.name,
        **_said("description", part.description),
        "container": {"image": part.image, "tag": part.tag, **_said("command", list(part.command))},
        **_said("variables", {name: _number_or_text(text) for name, text in part.variables.items()}),
        **_said("requests", _requests(part.requests)),
    }


def _port(item: Input | Output) -> dict[str, Any]:
    source = item.source if isinstance(item, Input) else None
    return {
        **_said("from", source),
        "name": item.name or None,
        **_said("path", item.path),
        **_type(item),
    }


def _type(item: Input | Output) -> dict[str, Any]:
    if item.fastio is not None:
        return kind_of(item.fastio)
    return {} if item.element_type is None else {"type": "stream", "element-type": item.element_type}


def _requests(requests: Requests) -> dict[str, int]:
    values = {"cpu": requests.cpu, "gpu": requests.gpu, "memory": requests.memory}
    return {key: value for key, value in values.items() if value is not None}


def _number_or_text(text: str) -> int | float | str:
    """A number where it is written back as the same text; `1.10` and `0x10` stay texts."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text and text.lstrip("-")[0].isdigit() and "e" not in text:
            return number
    return text


def _said(key: str, value: Any) -> dict[str, Any]:
    return {} if value in (None, "", [], {}) else {key: value}
