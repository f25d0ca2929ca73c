"""A document read as a pipeline as far as it can be, with the places of its parts, for the rules to judge.

A malformed part is left out or marked, so that the rules neither trip over it nor complain about what follows
from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from clara_cli.pipelines import versions
from clara_cli.pipelines.document import Document
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.model import FastIOType, Input, Output
from clara_cli.pipelines.nodes import Path
from clara_cli.pipelines.types import fastio_type

P = TypeVar("P", Input, Output)


@dataclass(frozen=True)
class Port(Generic[P]):
    """An input or output: what it says, where it stands, and whether it is free of faults."""

    item: P
    path: Path
    sound: bool


@dataclass(frozen=True)
class OperatorDraft:
    """An operator; `outputs_known` is false when what it writes cannot be told."""

    name: str | None
    path: Path
    values: dict[str, Any]
    inputs: tuple[Port[Input], ...]
    outputs: tuple[Port[Output], ...]
    outputs_known: bool


@dataclass(frozen=True)
class Draft:
    """A pipeline; `version` is None, and `names_known` false, when the document does not say."""

    document: Document
    version: tuple[int, int] | None
    orchestrator: str | None
    operators: tuple[OperatorDraft, ...]
    names_known: bool

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all operators that have one."""
        return tuple(operator.name for operator in self.operators if operator.name is not None)

    @property
    def typed(self) -> bool:
        """Whether inputs and outputs have types in this version."""
        return self.version is not None and self.version >= versions.FIRST_TYPED


def read_draft(document: Document, faults: Faults) -> Draft:
    """The draft of a document whose faults against the schema are known."""
    values = document.value
    items = values.get("operators")
    items = items if isinstance(items, list) else []
    operators = [
        _operator(item, ("operators", index), faults) for index, item in enumerate(items) if isinstance(item, dict)
    ]
    known = len(operators) == len(items) and all(operator.name is not None for operator in operators)
    version = None if faults.touches(("api-version",)) else versions.parse(values.get("api-version", versions.DEFAULT))
    return Draft(document, version, _orchestrator(values, version, faults), tuple(operators), known)


def _orchestrator(values: dict[str, Any], version: tuple[int, int] | None, faults: Faults) -> str | None:
    if faults.touches(("orchestrator",)):
        return None
    if "orchestrator" in values:
        return str(values["orchestrator"]).capitalize()
    # Definitions older than the key ran on Argo.
    return "Argo" if version is not None and version < versions.FIRST_CLARA else "Clara"


def _operator(values: dict[str, Any], path: Path, faults: Faults) -> OperatorDraft:
    name = values.get("name")
    # A placeholder stands for a name that is not known yet.
    legible = isinstance(name, str) and name != "" and "${{" not in name and not faults.touches((*path, "import"))
    inputs = tuple(
        Port(Input(source=_text(item, "from"), **_common(item)), place, not faults.touches(place))
        for item, place in _ports(values, path, "input")
    )
    outputs = tuple(
        Port(Output(**_common(item)), place, not faults.touches(place))
        for item, place in _ports(values, path, "output")
    )
    known = not faults.covers((*path, "output")) and not faults.touches((*path, "import"))
    known = known and len(outputs) == len(values.get("output") or ())
    return OperatorDraft(name if legible else None, path, values, inputs, outputs, known)


def _ports(values: dict[str, Any], path: Path, key: str) -> list[tuple[dict[str, Any], Path]]:
    items = values.get(key)
    return [
        (item, (*path, key, index))
        for index, item in enumerate(items if isinstance(items, list) else ())
        if isinstance(item, dict)
    ]


def _common(values: dict[str, Any]) -> dict[str, Any]:
    fastio = _fastio(values)
    element_type = _text(values, "element-type") or _text(values, "format")
    path = _text(values, "path")
    return {
        "name": _text(values, "name") or "",
        "path": None if path is None else container_path(path),
        "element_type": None if fastio else element_type,
        "fastio": fastio,
    }


def _fastio(values: dict[str, Any]) -> FastIOType | None:
    kind, element_type, shape = values.get("type"), _text(values, "element-type"), values.get("shape")
    if not isinstance(kind, str):
        return None
    if not isinstance(shape, list) or not all(isinstance(size, int | float) for size in shape):
        return fastio_type(kind, element_type, None)
    try:
        return fastio_type(kind, element_type, shape)
    except (OverflowError, ValueError):
        # Not a number, or infinite: the schema has said so.
        return None


def _text(values: dict[str, Any], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) else None


def container_path(path: str) -> str:
    """A path with one `/` between its parts and none at its end; `..` stays, for the rules to refuse."""
    start = "/" if path.startswith("/") else ""
    return start + "/".join(part for part in path.split("/") if part not in ("", "."))
