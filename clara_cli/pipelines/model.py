"""A pipeline after validation: plain values, no YAML and no positions left.

Stored with each job as JSON, so that starting a job reads neither YAML nor schemas.
Source of the terms: the definition language's own (operator, input, output, FastIO variable).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

_NONE: Mapping[str, str] = {}


class FastIOType(NamedTuple):
    """The type of a FastIO variable in its normal form.

    A bare primitive is an array of shape `(1,)`; `string` is uint8 of shape `(-1,)`.

    Attributes:
        element_type: numpy's name of one of the eleven primitives, such as `float32`.
        shape: sizes by dimension, row-major; -1 or 0 where the producer sets the size at run time.
        string: declared as `string`.
    """

    element_type: str
    shape: tuple[int, ...]
    string: bool = False

    @property
    def dynamic(self) -> bool:
        """Whether the producer sets any size at run time."""
        return any(size <= 0 for size in self.shape)


class Input(NamedTuple):
    """One input of an operator: a folder (`path`) or a FastIO variable (`fastio`).

    Attributes:
        source: name of the upstream operator; None for the job's own input files.
        name: the upstream output's name, or a free label; empty when not given.
        path: where a container would see the folder; None for a FastIO variable.
        element_type: free text of a stream, such as `nifti`; None when untyped or FastIO.
        fastio: the variable's type; None for a folder.
    """

    source: str | None = None
    name: str = ""
    path: str | None = None
    element_type: str | None = None
    fastio: FastIOType | None = None


class Output(NamedTuple):
    """One output of an operator; the attributes are those of `Input`, without a source."""

    name: str = ""
    path: str | None = None
    element_type: str | None = None
    fastio: FastIOType | None = None


class Requests(NamedTuple):
    """What an operator asks for: logical cores, GPUs, and megabytes of memory; None when not said."""

    cpu: int | None = None
    gpu: int | None = None
    memory: int | None = None


class Connection(NamedTuple):
    """How an operator reaches a service.

    Attributes:
        name: the environment variable that the operator reads.
        kind: `http` for a port, `file` or `volume` for a folder.
        port: where the service listens; None when not said, or for a folder.
        path: where a container would see the folder; None for a port.
    """

    name: str
    kind: str = "http"
    port: int | None = None
    path: str | None = None


class Service(NamedTuple):
    """A server beside an operator; two with the same image, tag and command are the same running one."""

    name: str
    image: str
    tag: str = "latest"
    command: tuple[str, ...] = ()
    connections: tuple[Connection, ...] = ()
    variables: Mapping[str, str] = _NONE
    requests: Requests = Requests()
    description: str = ""


class Operator(NamedTuple):
    """One operator of a pipeline.

    Attributes:
        image: container image without its tag.
        tag: `latest` when not given.
        command: argument list of `container.command`; empty when not given.
        variables: environment variables, values as written in the definition.
        services: servers that it needs.
        models: names of registered models that a Triton server has to hold for it.
        timeout: seconds its execution may take; None when not said.
    """

    name: str
    image: str
    tag: str = "latest"
    command: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    variables: Mapping[str, str] = _NONE
    requests: Requests = Requests()
    services: tuple[Service, ...] = ()
    models: tuple[str, ...] = ()
    timeout: int | None = None
    description: str = ""

    @property
    def sources(self) -> frozenset[str]:
        """Names of the operators whose output this one reads."""
        return frozenset(item.source for item in self.inputs if item.source is not None)

    @property
    def paths(self) -> tuple[str, ...]:
        """Where a container would see its folders, inputs first."""
        inputs = (item.path for item in self.inputs if item.path is not None)
        return (*inputs, *(item.path for item in self.outputs if item.path is not None))

    @property
    def has_fastio(self) -> bool:
        """Whether any input or output is a FastIO variable."""
        return any(item.fastio for item in self.inputs) or any(item.fastio for item in self.outputs)


class Pipeline(NamedTuple):
    """A whole pipeline; `operators` in the order of the file, `sources` always spelled as declared.

    Attributes:
        timeout: seconds after which a job of it is stopped; None when not said.
    """

    name: str
    api_version: str
    orchestrator: str
    operators: tuple[Operator, ...]
    description: str = ""
    timeout: int | None = None

    def operator(self, name: str) -> Operator:
        """The operator of exactly that name; KeyError when there is none."""
        for operator in self.operators:
            if operator.name == name:
                return operator
        raise KeyError(name)


def to_json(part: Pipeline | Operator) -> dict[str, Any]:
    """A pipeline, or a part of one, as values that JSON can hold."""
    return {name: _plain(value) for name, value in part._asdict().items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, tuple):
        return value
    if hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    return [*map(_plain, value)]


def from_json(data: dict[str, Any]) -> Pipeline:
    """The inverse of `to_json`."""
    return Pipeline(**{**data, "operators": tuple(_operator(item) for item in data["operators"])})


def _operator(data: dict[str, Any]) -> Operator:
    values = dict(data)
    values["command"] = tuple(data["command"])
    values["inputs"] = tuple(Input(**{**item, "fastio": _fastio(item["fastio"])}) for item in data["inputs"])
    values["outputs"] = tuple(Output(**{**item, "fastio": _fastio(item["fastio"])}) for item in data["outputs"])
    values["requests"] = Requests(**data["requests"])
    values["services"] = tuple(_service(item) for item in data.get("services", ()))
    values["models"] = tuple(data.get("models", ()))
    return Operator(**values)


def _service(data: dict[str, Any]) -> Service:
    values = dict(data)
    values["command"] = tuple(data["command"])
    values["connections"] = tuple(Connection(**item) for item in data["connections"])
    values["requests"] = Requests(**data["requests"])
    return Service(**values)


def _fastio(data: dict[str, Any] | None) -> FastIOType | None:
    return None if data is None else FastIOType(**{**data, "shape": tuple(data["shape"])})
