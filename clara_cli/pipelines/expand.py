"""A document with its imports resolved and its placeholders filled, every part still knowing its place."""

from __future__ import annotations

from collections.abc import Mapping as Values_
from dataclasses import replace

from clara_cli.pipelines.document import Document, problem_at
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.filling import Filler
from clara_cli.pipelines.imports import Imports
from clara_cli.pipelines.library import Library
from clara_cli.pipelines.nearest import Nearest, listing
from clara_cli.pipelines.nodes import Mapping, Node, Path, Scalar, Sequence
from clara_cli.pipelines.scalars import scalar_value
from clara_cli.pipelines.scope import Filling, Open, Scope, Values
from clara_cli.pipelines.words import found

_FREE_TEXT = "description"
_Entries = dict[str, tuple[Scalar, Node]]


class Expander:
    """Expands one definition.

    Attributes:
        parameters: the parameters that a value can be given for → their defaults; None without one.
        placeholders: how many there were.
    """

    def __init__(self, library: Library, faults: Faults, nearest: Nearest, values: Values) -> None:
        self.parameters: dict[str, str | None] = {}
        self._faults = faults
        self._nearest = nearest
        self._job = values.outermost()
        self._given = {name.casefold(): value for name, value in values.given.items()}
        self._names = tuple(values.given)
        self._declared: set[str] = set()
        self._imports = Imports(library, faults, nearest)
        self._filler = Filler(faults, nearest, values.complete)

    @property
    def placeholders(self) -> int:
        return self._filler.found

    def expand(self, document: Document) -> Document:
        """The whole document; what is wrong is in the faults, and left as it is written."""
        root = document.root
        scope = self._template(root, self._job, (), self._given)
        chain = (document.source.path,)
        entries: _Entries = {}
        for key, (at, value) in root.entries.items():
            if key == "operators" and isinstance(value, Sequence):
                entries[key] = (at, self._items(value, scope, (key,), chain))
            else:
                entries[key] = (at, self._value(key, value, scope, (key,)))
        self._check_given(document)
        return Document(document.source, replace(root, entries=entries), ())

    def _items(self, node: Sequence, scope: Scope, path: Path, chain: tuple[str, ...]) -> Node:
        """Operators, or the services of one: each an import or written out."""
        template = path[-1] == "operators"
        items = [
            self._item(item, scope, (*path, index), chain, self._given if template else None)
            if isinstance(item, Mapping)
            else self._filler.fill(item, scope, (*path, index))
            for index, item in enumerate(node.items)
        ]
        return replace(node, items=items)

    def _item(
        self,
        node: Mapping,
        outer: Scope,
        path: Path,
        chain: tuple[str, ...],
        given: Values_[str, Filling] | None,
    ) -> Mapping:
        """One operator or service; `given` is None for a service, which has no parameters."""
        scope = outer if given is None else self._template(node, outer, path, given)
        base: Mapping | None = None
        if "import" in node.entries:
            base = self._imported(node, scope, path, chain, given is not None)
        own: _Entries = {}
        for key, (at, value) in node.entries.items():
            if key == "services" and given is not None and isinstance(value, Sequence):
                own[key] = (at, self._items(value, scope, (*path, key), chain))
            elif key == "import":
                if base is None:
                    own[key] = (at, value)
            else:
                own[key] = (at, self._value(key, value, scope, (*path, key)))
        if base is None:
            return replace(node, entries=own)
        # A key beside the import replaces the imported one whole.
        return replace(base, entries={**base.entries, **own})

    def _imported(
        self, node: Mapping, scope: Scope, path: Path, chain: tuple[str, ...], template: bool
    ) -> Mapping | None:
        asked = node.entries["import"][1]
        here = (*path, "import")
        if not isinstance(asked, Mapping):
            return None  # the schema says so
        document = self._imports.document(asked, here, chain)
        if document is None:
            return None
        replaced = set(node.entries) - {"import"}
        entries = {key: entry for key, entry in document.root.entries.items() if key not in replaced}
        declared = node.entries.get("parameters") or document.root.entries.get("parameters")
        if template and declared:
            entries["parameters"] = declared
        names = [*declared[1].entries] if declared and isinstance(declared[1], Mapping) else []
        args = self._args(asked, scope, (*here, "args"), names, document.source.name, template)
        root = replace(document.root, entries=entries)
        return self._item(root, self._job, path, (*chain, document.source.path), args)

    def _args(
        self, asked: Mapping, scope: Scope, path: Path, names: list[str], file: str, template: bool
    ) -> dict[str, Filling] | None:
        """The arguments of an import by folded name; None for a service."""
        at, node = asked.entries.get("args", (None, None))
        if isinstance(node, Mapping) and not template:
            message = "args: a service has no parameters, so its arguments are ignored"
            self._faults.add(path, problem_at(at or node, message, None, "warning"))
        if not template:
            return None
        if node is not None and not isinstance(node, Mapping) and not _is_nothing(node):
            what = found([] if isinstance(node, Sequence) else node.text)
            self._faults.add(path, problem_at(node, f"args: found {what}, expected a mapping of names to values"))
        known = {name.casefold() for name in names}
        args: dict[str, Filling] = {}
        for name, (key, value) in (node.entries if isinstance(node, Mapping) else {}).items():
            place = (*path, name)
            if name.casefold() not in known:
                message = f'there is no parameter "{name[:255]}" in {file}'
                hint = self._nearest.hint(name, names) or (f"its parameters are {listing(names)}" if names else None)
                self._faults.add(place, problem_at(key, message, hint))
            elif not isinstance(value, Scalar):
                self._faults.add(place, problem_at(value, f"{name}: expected a single value, the argument"))
                args[name.casefold()] = Open.LATER
            elif not _is_nothing(value):
                args[name.casefold()] = self._filler.text(value, scope, place)
        return args

    def _template(self, node: Mapping, outer: Scope, path: Path, given: Values_[str, Filling]) -> Scope:
        """The scope inside of a pipeline or operator, with its parameters."""
        _, declared = node.entries.get("parameters", (None, None))
        if not isinstance(declared, Mapping):
            return outer
        own: dict[str, Filling] = {}
        seen: set[str] = set()
        for name, (at, value) in declared.entries.items():
            place = (*path, "parameters", name)
            if name.casefold() in seen:
                message = f'a second parameter "{name[:255]}"; upper and lower case count as the same'
                self._faults.add(place, problem_at(at, message))
                continue
            seen.add(name.casefold())
            default = self._default(value, place)
            own[name] = given.get(name.casefold(), default)
            if given is self._given and name.casefold() not in self._declared:
                self._declared.add(name.casefold())
                self.parameters[name] = default if isinstance(default, str) else None
        return Scope(own, outer)

    def _default(self, value: Node, path: Path) -> Filling:
        if not isinstance(value, Scalar):
            return Open.LATER  # the schema says so
        if value.templated:
            message = "the default of a parameter holds no placeholder"
            self._faults.add(path, problem_at(value, message, "use both placeholders where the value is needed"))
            return Open.LATER
        return Open.UNSET if _is_nothing(value) else value.text

    def _value(self, key: str, value: Node, scope: Scope, path: Path) -> Node:
        return value if key in (_FREE_TEXT, "parameters") else self._filler.fill(value, scope, path)

    def _check_given(self, document: Document) -> None:
        known = list(self.parameters)
        at = document.node(("parameters",), key=True)
        for name in self._names:
            if name.casefold() not in self._declared:
                hint = self._nearest.hint(name, known)
                exist = f"its parameters are {listing(known)}" if known else "it has no parameters"
                message = f'a value is given for "{name[:255]}", which is no parameter of the pipeline; {exist}'
                self._faults.add((), problem_at(at, message, hint))
            elif any(c == "\0" or "\ud800" <= c <= "\udfff" for c in self._given[name.casefold()]):
                message = f'the value given for "{name}" holds a NUL or half a character, which no program can be given'
                self._faults.add((), problem_at(at, message))


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and scalar_value(node, True) is None
