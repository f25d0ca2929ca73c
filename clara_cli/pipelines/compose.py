"""YAML events → one tree of nodes, within bounds and without surprises.

An own composer instead of PyYAML's, which recurses, keeps the last of two equal keys, loses the places of
values, and writes aliases out without a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from clara_cli.errors import DefinitionError
from clara_cli.pipelines.nodes import Mapping, Node, Scalar, Sequence
from clara_cli.pipelines.placeholders import START
from clara_cli.pipelines.problem import Problem
from clara_cli.pipelines.scalars import KNOWN_TAGS, PREFIX
from clara_cli.pipelines.source import Source, refusal

MAX_DEPTH = 100
MAX_NODES = 500_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "<<"
# A long text counts as several values, so that aliases cannot repeat it without bound.
_SIZE_OF_TEXT = 1000


class Composer:
    """Builds the tree; `problems` holds the faults that did not stop it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._anchors: dict[str, Node] = {}
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0
        self._count = 0

    def compose(self, text: str) -> Node | None:
        """The root node; None for a document without content.

        Raises:
            yaml.YAMLError: not YAML.
            DefinitionError: several documents, unknown aliases, or out of bounds.
        """
        for event in _events(text):
            if isinstance(event, yaml.ScalarEvent):
                self._add(self._scalar(event), event.anchor)
            elif isinstance(event, yaml.AliasEvent):
                self._add(self._alias(event), None)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.DocumentStartEvent):
                self._document(event)
        return self._root

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._refusal(event, "a second document starts here; a definition file holds one")

    def _scalar(self, event: Any) -> Scalar:
        size = 1 + len(event.value) // _SIZE_OF_TEXT
        self._grow(event, size)
        tag = event.tag if event.tag not in (None, "!") else None
        if tag is not None and tag not in KNOWN_TAGS:
            self._unknown_tag(event)
            tag = PREFIX + "str"
        # The tag "!" says: a text, whatever it looks like.
        plain = event.implicit[0] and event.tag != "!" and tag is None
        if not event.implicit[0] or event.style == '"':
            self._check_text(event)
        templated = START in event.value
        return Scalar(self.source, *_place(event), event.value, plain, tag, size, templated=templated)

    def _check_text(self, event: Any) -> None:
        if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in event.value):
            self._fault(event, "the text holds a NUL or half a character, which no program can be given")

    def _alias(self, event: Any) -> Node:
        if any(opened.anchor == event.anchor for opened in self._stack):
            raise self._refusal(event, f"alias *{event.anchor} stands inside of what it names, which has no end")
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._refusal(event, f"alias *{event.anchor} names no anchor; &{event.anchor} has to come before it")
        self._grow(event, node.size)
        self._check_depth(event, node.depth)
        line, column = _place(event)
        # Shared below; only the top gets the place of the alias.
        return replace(node, line=line, column=column)

    def _open(self, event: Any) -> None:
        self._grow(event, 1)
        self._check_depth(event, 1)
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", PREFIX + ("map" if mapping else "seq")):
            self._unknown_tag(event)
        kind = Mapping if mapping else Sequence
        self._stack.append(_Open(kind(self.source, *_place(event)), event.anchor))

    def _close(self) -> None:
        opened = self._stack.pop()
        self._add(opened.node, opened.anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._stack:
            self._root = node
            return
        opened = self._stack[-1]
        parent = opened.node
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth + 1)
        parent.templated |= node.templated
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif isinstance(parent, Mapping):
            self._add_to_mapping(opened, parent, node)

    def _add_to_mapping(self, opened: _Open, parent: Mapping, node: Node) -> None:
        if opened.key is None:
            opened.key = node
            return
        key, opened.key = opened.key, None
        if not isinstance(key, Scalar):
            self._fault(key, f"a key has to be a text, this is {_kind(key)}")
        elif key.text == _MERGE and key.plain:
            self._merge(opened, parent, node)
        elif key.text in opened.own:
            first = parent.entries[key.text][0]
            self._fault(key, f'key "{key.text}" stands twice in one mapping, first in line {first.line}')
        else:
            opened.own.add(key.text)
            parent.entries[key.text] = (key, node)

    def _merge(self, opened: _Open, parent: Mapping, node: Node) -> None:
        sources = node.items if isinstance(node, Sequence) else [node]
        for source in sources:
            if not isinstance(source, Mapping):
                self._fault(source, '"<<" takes over the keys of a mapping or of a list of mappings')
                continue
            self._grow(node, len(source.entries))
            for key, entry in source.entries.items():
                parent.entries.setdefault(key, entry)

    def _grow(self, at: Any, size: int) -> None:
        self._count += size
        if self._count > MAX_NODES:
            raise self._refusal(at, f"the document has more than {MAX_NODES} values, counting what aliases stand for")

    def _check_depth(self, at: Any, depth: int) -> None:
        if len(self._stack) + depth > MAX_DEPTH:
            raise self._refusal(at, f"the document is nested more than {MAX_DEPTH} levels deep")

    def _unknown_tag(self, event: Any) -> None:
        self._fault(event, f'tag "{event.tag}" is unknown here', "quote the text if it is meant as one")

    def _fault(self, at: Any, message: str, hint: str | None = None) -> None:
        self.problems.append(self.source.problem(*_place(at), message, hint))

    def _refusal(self, at: Any, message: str) -> DefinitionError:
        return refusal(*self.problems, self.source.problem(*_place(at), message))


class _Open:
    """A collection whose end has not come yet."""

    __slots__ = ("anchor", "key", "node", "own")

    def __init__(self, node: Mapping | Sequence, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: Node | None = None
        # Keys written in the mapping itself; merged ones may be written again.
        self.own: set[str] = set()


def _events(text: str) -> Iterator[Any]:
    return yaml.parse(text, Loader=_LOADER)


def _place(at: Any) -> tuple[int, int]:
    if isinstance(at, Scalar | Sequence | Mapping):
        return at.line, at.column
    return at.start_mark.line + 1, at.start_mark.column + 1


def _kind(node: Node) -> str:
    return "a list" if isinstance(node, Sequence) else "a mapping"
