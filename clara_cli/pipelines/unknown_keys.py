"""Warnings for keys that mean nothing here. Which keys exist, the schemas' `properties` alone decide."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from clara_cli.pipelines.document import Document
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.nearest import Nearest
from clara_cli.pipelines.nodes import Mapping, Node, Path, Sequence
from clara_cli.pipelines.schema_files import PIPELINE, resolve, schemas


def check(document: Document, faults: Faults, nearest: Nearest) -> None:
    """Record a warning for each unknown key, and for each that the schema calls deprecated."""
    _Walk(document, faults, nearest).visit(document.root, _part((), PIPELINE), ())


class _Part:
    """A place of the schema with its references followed."""

    def __init__(self, schema: dict[str, Any], file: str) -> None:
        self.schema, self.file = resolve(schema, file)
        self.properties: dict[str, Any] = self.schema.get("properties", {})
        # What to offer instead of an unknown key.
        self.current = [
            key for key, below in self.properties.items() if not resolve(below, self.file)[0].get("deprecated")
        ]
        self.deprecation: str | None = self.schema.get("deprecationMessage")
        self._below: dict[str, _Part | None] = {}

    def below(self, key: str) -> _Part | None:
        """The part for a key of a mapping; None where the schema says nothing."""
        if key not in self._below:
            schema = self.properties.get(key)
            self._below[key] = _Part(schema, self.file) if isinstance(schema, dict) else None
        return self._below[key]

    def items(self) -> _Part | None:
        """The part for the items of a list."""
        if "" not in self._below:
            schema = self.schema.get("items")
            self._below[""] = _Part(schema, self.file) if isinstance(schema, dict) else None
        return self._below[""]


@lru_cache(maxsize=1)
def _part(_: tuple[()], file: str) -> _Part:
    return _Part(schemas()[file], file)


class _Walk:
    def __init__(self, document: Document, faults: Faults, nearest: Nearest) -> None:
        self._document = document
        self._faults = faults
        self._nearest = nearest

    def visit(self, node: Node, part: _Part | None, path: Path) -> None:
        if part is None:
            return
        if isinstance(node, Sequence):
            for index, item in enumerate(node.items):
                self.visit(item, part.items(), (*path, index))
        elif isinstance(node, Mapping) and part.properties:
            for key, (_, value) in node.entries.items():
                self._entry(key, value, part, (*path, key))

    def _entry(self, key: str, value: Node, part: _Part, path: Path) -> None:
        below = part.below(key)
        if below is None:
            self._warn(path, f'unknown key "{_short(key)}" is ignored', self._nearest.hint(key, part.current))
            return
        if below.deprecation and not self._faults.covers(path):
            self._warn(path, f'key "{key}" {below.deprecation}', None)
        self.visit(value, below, path)

    def _warn(self, path: Path, message: str, hint: str | None) -> None:
        self._faults.add(path, self._document.problem(path, message, hint, key=True, severity="warning"))


def _short(key: str) -> str:
    return key if len(key) <= 60 else f"{key[:60]}…"
