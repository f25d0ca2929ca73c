"""Parts of the language that the schemas describe and this version of the command does not run."""

from __future__ import annotations

from typing import Any

from clara_cli.pipelines.document import Document
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.nodes import Path

_OF_PIPELINE = ("parameters",)
_OF_OPERATOR = ("import", "parameters", "services", "models", "model")
_FREE_TEXT = "description"
_HINT = "this part of the language is not supported yet"


def check(document: Document, faults: Faults) -> None:
    """Record an error for each such part, so that nothing is run that means something else."""
    _keys(document, faults, (), document.value, _OF_PIPELINE)
    operators = document.value.get("operators")
    for index, operator in enumerate(operators if isinstance(operators, list) else ()):
        if isinstance(operator, dict):
            _keys(document, faults, ("operators", index), operator, _OF_OPERATOR)
    _placeholders(document, faults, (), document.value)


def _keys(document: Document, faults: Faults, path: Path, values: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        # An empty one asks for nothing.
        if values.get(key):
            faults.add((*path, key), document.problem((*path, key), f"{key}: {_HINT}", key=True))


def _placeholders(document: Document, faults: Faults, path: Path, value: Any) -> None:
    if isinstance(value, dict):
        for key, below in value.items():
            if key != _FREE_TEXT:
                _placeholders(document, faults, (*path, key), below)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            _placeholders(document, faults, (*path, index), below)
    elif isinstance(value, str) and "${{" in value and not faults.covers(path):
        faults.add(path, document.problem(path, f"placeholder ${{{{ }}}}: {_HINT}"))
