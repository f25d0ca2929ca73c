"""Placeholders of a tree → their values, at the places where they stand."""

from __future__ import annotations

import re
from dataclasses import replace

from clara_cli.errors import DefinitionError
from clara_cli.pipelines import placeholders
from clara_cli.pipelines.document import problem_at
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.nearest import Nearest, listing
from clara_cli.pipelines.nodes import Mapping, Node, Path, Scalar, Sequence
from clara_cli.pipelines.scope import Filling, Open, Scope
from clara_cli.pipelines.source import MAX_BYTES, refusal

# Numbers that may stand for themselves where the language wants a number; all else stays a text.
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}")


class Filler:
    """Fills placeholders; counts them, and what they add to the document."""

    def __init__(self, faults: Faults, nearest: Nearest, complete: bool) -> None:
        self.found = 0
        self._faults = faults
        self._nearest = nearest
        self._complete = complete
        self._added = 0

    def fill(self, node: Node, scope: Scope, path: Path) -> Node:
        """A tree with its placeholders filled; what comes later stays as it is written."""
        if not node.templated:
            return node
        if isinstance(node, Sequence):
            items = [self.fill(item, scope, (*path, index)) for index, item in enumerate(node.items)]
            return replace(node, items=items)
        if isinstance(node, Mapping):
            entries = {key: (at, self.fill(value, scope, (*path, key))) for key, (at, value) in node.entries.items()}
            return replace(node, entries=entries)
        text = self.text(node, scope, path)
        if isinstance(text, Open):
            return node
        return replace(node, text=text, plain=_WHOLE.fullmatch(text) is not None, tag=None)

    def text(self, node: Scalar, scope: Scope, path: Path) -> Filling:
        """The text of one value; `Open.LATER` while it is not known, which is never judged."""
        values: dict[str, str] = {}
        complete = True
        for name in dict.fromkeys(placeholders.names(node.text)):
            value = self._value(name, node, scope, path)
            if value is None:
                complete = False
            else:
                values[name] = value
        if placeholders.has_loose_start(node.text):
            self._error(node, path, "a placeholder begins here and does not end", "write ${{ NAME }}")
        elif complete:
            return self._joined(node, values)
        self._faults.leave_open(path)
        return Open.LATER

    def _value(self, name: str, node: Scalar, scope: Scope, path: Path) -> str | None:
        self.found += 1
        if not placeholders.is_name(name):
            self._error(node, path, f'"{name[:60]}" in a placeholder is no name', "write ${{ NAME }}")
            return None
        value = scope.find(name)
        if value is None:
            known = scope.names
            message = f"nothing fills ${{{{ {name} }}}}: known names are {listing(known)}"
            self._error(node, path, message, self._nearest.hint(name, known) or "declare it in parameters")
        elif value is Open.UNSET and self._complete:
            message = f"nothing fills ${{{{ {name} }}}}: the parameter has neither a value nor a default"
            self._error(node, path, message, f"give it a value: --set {name}=VALUE")
        return value if isinstance(value, str) else None

    def _joined(self, node: Scalar, values: dict[str, str]) -> str:
        text = placeholders.filled(node.text, values.__getitem__) if self._fits(node, values) else None
        if text is None:
            raise self._too_long(node)
        return text

    def _fits(self, node: Scalar, values: dict[str, str]) -> bool:
        """Whether the text stays within bounds, told before it is made."""
        self._added += sum(len(values[name]) for name in placeholders.names(node.text))
        return self._added <= MAX_BYTES

    def _too_long(self, node: Scalar) -> DefinitionError:
        message = f"the values of placeholders come to more than {MAX_BYTES} characters"
        return refusal(*self._faults.errors, problem_at(node, message))

    def _error(self, node: Scalar, path: Path, message: str, hint: str | None) -> None:
        self._faults.add(path, problem_at(node, message, hint))
