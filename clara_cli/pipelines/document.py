"""A definition as a positioned tree: from bytes to places, before any rule of the language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import yaml

from clara_cli.pipelines import syntax
from clara_cli.pipelines.compose import Composer
from clara_cli.pipelines.nodes import Mapping, Node, Path, Scalar, Sequence, find
from clara_cli.pipelines.problem import Problem
from clara_cli.pipelines.scalars import to_value
from clara_cli.pipelines.source import Source, read_source, refusal

# Begins at the start of a run only, so that a long run is looked at once.
_TABS_TO_BLANK = re.compile(r"(?<![ \t])[ \t]+(?=#|$)", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """One YAML document whose root is a mapping; with its imports resolved, the tree holds parts of several files.

    Attributes:
        source: the file of the root.
        problems: faults that do not keep the rest from being judged, such as a key that stands twice.
    """

    source: Source
    root: Mapping
    problems: tuple[Problem, ...]

    @cached_property
    def value(self) -> dict[str, Any]:
        """The document as plain values, texts kept where the language wants texts."""
        value: dict[str, Any] = to_value(self.root)
        return value

    def node(self, path: Path, key: bool = False) -> Node:
        """The value at a path, or its key; the key too when there is no value."""
        key_node, node = find(self.root, path)
        empty = isinstance(node, Scalar) and node.plain and not node.text
        return key_node if key_node is not None and (key or empty) else node

    def place(self, path: Path, key: bool = False) -> tuple[int, int]:
        """Line and column of `node`, in its file."""
        at = self.node(path, key)
        return at.line, at.column

    def line(self, path: Path, near: Path) -> str:
        """`line 7` for a message at `near`; `line 7 of reader.yaml` when that is another file."""
        at = self.node(path)
        same = at.source is self.node(near).source
        return f"line {at.line}" if same else f"line {at.line} of {at.source.name}"

    def problem(
        self,
        path: Path,
        message: str,
        hint: str | None = None,
        *,
        key: bool = False,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """A problem at a path."""
        return problem_at(self.node(path, key), message, hint, severity)


def problem_at(
    node: Node, message: str, hint: str | None = None, severity: Literal["error", "warning"] = "error"
) -> Problem:
    """A problem at a node, in the node's file."""
    return node.source.problem(node.line, node.column, message, hint, severity)


def read_document(name: str, content: bytes, path: str = "") -> Document:
    """Read one file of a definition.

    Args:
        name: what messages call it.
        path: the file among those of its definition.

    Raises:
        DefinitionError: the file is no text, no YAML, or no mapping.
    """
    source = read_source(name, content, path)
    root, problems = _compose(source)
    if not isinstance(root, Mapping):
        raise refusal(*problems, _no_mapping(source, root))
    return Document(source, root, problems)


def _compose(source: Source) -> tuple[Node | None, tuple[Problem, ...]]:
    try:
        return _attempt(source, source.text)
    except yaml.YAMLError as error:
        first = error
    if syntax.is_about_tabs(source, first):
        # Parsers refuse tabs even in blank lines and before comments, where they mean nothing.
        try:
            return _attempt(source, _TABS_TO_BLANK.sub(lambda run: " " * len(run.group()), source.text))
        except yaml.YAMLError as error:
            first = error
    raise refusal(syntax.explain(source, first))


def _attempt(source: Source, text: str) -> tuple[Node | None, tuple[Problem, ...]]:
    composer = Composer(source)
    root = composer.compose(text)
    return root, tuple(composer.problems)


def _no_mapping(source: Source, root: Node | None) -> Problem:
    flat = syntax.lost_line_breaks(source)
    if root is None or (isinstance(root, Scalar) and root.plain and not root.text):
        return source.problem(1, 1, "the document is empty", flat or "a pipeline has at least a name and operators")
    found = "a list" if isinstance(root, Sequence) else "a single text"
    message = f"found {found}, expected a mapping with keys such as name and operators"
    return source.problem(root.line, root.column, message, flat)
