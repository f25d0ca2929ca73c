"""The positioned tree of a YAML document.

Lines and columns are 1-based, in the file of `source`: a tree may hold parts of imported files. `size` and
`depth` count the tree after its aliases are written out, which bounds all later work; nodes behind an alias are
shared. `templated` says that a text in it holds a placeholder.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from clara_cli.pipelines.source import Source

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Scalar:
    """One value. `text` is what stands in the file; `plain` is false when it was quoted."""

    source: Source
    line: int
    column: int
    text: str
    plain: bool = False
    tag: str | None = None
    size: int = 1
    depth: int = 1
    templated: bool = False


@dataclass(slots=True)
class Sequence:
    source: Source
    line: int
    column: int
    items: list[Node] = field(default_factory=list)
    size: int = 1
    depth: int = 1
    templated: bool = False


@dataclass(slots=True)
class Mapping:
    """Keys are texts; each entry holds the key's own node, for its place, and the value."""

    source: Source
    line: int
    column: int
    entries: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)
    size: int = 1
    depth: int = 1
    templated: bool = False


Node = Scalar | Sequence | Mapping


def find(root: Node, path: Path) -> tuple[Scalar | None, Node]:
    """The key's node (None inside a list) and the value at a path; as deep as the path exists."""
    key: Scalar | None = None
    node = root
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.entries:
            key, node = node.entries[step]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            key, node = None, node.items[step]
        else:
            break
    return key, node
