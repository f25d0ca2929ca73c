"""Connections: every `from` leads to an output that exists and is of the input's type."""

from __future__ import annotations

from dataclasses import dataclass, field

from clara_cli.pipelines.draft import Draft, Port
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.model import Input, Output
from clara_cli.pipelines.nearest import Nearest, listing
from clara_cli.pipelines.nodes import Path
from clara_cli.pipelines.types import agree, describe
from clara_cli.pipelines.words import owner


@dataclass(frozen=True)
class Link:
    """A resolved `from`: positions of both operators in the file, and the names as declared."""

    reader: int
    upstream: int
    path: Path
    source: str
    name: str


@dataclass(frozen=True)
class _Outputs:
    """The outputs of one operator by folded name; `known` is false when there may be others."""

    by_name: dict[str, Port[Output]]
    names: tuple[str, ...]
    known: bool


@dataclass
class Links:
    """Reads the connections of a draft, recording what is wrong with them."""

    draft: Draft
    faults: Faults
    nearest: Nearest
    found: list[Link] = field(default_factory=list)
    _index: dict[str, int] = field(default_factory=dict)
    _outputs: dict[int, _Outputs] = field(default_factory=dict)

    def resolve(self) -> list[Link]:
        """All connections whose two operators exist."""
        for position, operator in enumerate(self.draft.operators):
            if operator.name is not None:
                self._index.setdefault(operator.name.casefold(), position)
        for position, operator in enumerate(self.draft.operators):
            for port in operator.inputs:
                self._input(position, port)
        return self.found

    def _input(self, reader: int, port: Port[Input]) -> None:
        path = (*port.path, "from")
        if self.faults.covers(path):
            return
        source = port.item.source
        if source is None:
            self._payload(port)
            return
        upstream = self._index.get(source.casefold())
        if upstream is None:
            self._unknown_operator(path, source)
        elif upstream == reader:
            self._error(path, f'operator "{self._name(reader)}" reads its own output')
        else:
            output = self._output(port, upstream)
            name = output.item.name if output else port.item.name
            self.found.append(Link(reader, upstream, port.path, self._name(upstream), name))
            if output and output.sound and port.sound:
                self._types(port, output, self._name(upstream))

    def _payload(self, port: Port[Input]) -> None:
        if port.item.fastio and port.sound:
            message = f'{self._words(port)} is {describe(port.item.fastio)} and has no "from"'
            hint = "an input without from reads the files of the job, which are a stream"
            self._error(port.path, message, hint)

    def _unknown_operator(self, path: Path, source: str) -> None:
        # With an operator whose name is missing or unreadable, this one may be meant.
        if self.draft.names_known:
            names = self.draft.names
            hint = self.nearest.hint(source, names) or f"operators are {listing(names)}"
            self._error(path, f'from: there is no operator "{source[:255]}"', hint)

    def _output(self, port: Port[Input], upstream: int) -> Port[Output] | None:
        """The output an input names; None when it names none, or a wrong one."""
        outputs = self._outputs_of(upstream)
        name = port.item.name
        found = outputs.by_name.get(name.casefold())
        if found or not outputs.known or self.faults.covers((*port.path, "name")):
            return found
        if not outputs.by_name:
            self._error((*port.path, "from"), f'from: operator "{self._name(upstream)}" has no output')
        elif name or self.draft.typed:
            self._no_such_output(port, self._name(upstream), outputs)
        return None

    def _outputs_of(self, upstream: int) -> _Outputs:
        if upstream not in self._outputs:
            draft = self.draft.operators[upstream]
            by_name: dict[str, Port[Output]] = {}
            for output in draft.outputs:
                by_name.setdefault(output.item.name.casefold(), output)
            names = tuple(output.item.name for output in by_name.values() if output.item.name)
            legible = not any(self.faults.touches((*output.path, "name")) for output in draft.outputs)
            self._outputs[upstream] = _Outputs(by_name, names, draft.outputs_known and legible)
        return self._outputs[upstream]

    def _no_such_output(self, port: Port[Input], upstream: str, outputs: _Outputs) -> None:
        name, names = port.item.name, outputs.names
        exist = f"its outputs are {listing(names)}" if names else "its only output has no name; leave name out"
        if not name:
            message = f'{self._words(port)} does not say which output of operator "{upstream}" it reads'
            self._error(port.path, message, f'add "name"; {exist}')
            return
        message = f'name: operator "{upstream}" has no output "{name}"; {exist}'
        self._error((*port.path, "name"), message, self.nearest.hint(name, names))

    def _types(self, port: Port[Input], output: Port[Output], upstream: str) -> None:
        reader, writer = port.item, output.item
        if reader.fastio and writer.fastio:
            if agree(writer.fastio, reader.fastio):
                return
        elif reader.fastio is None and writer.fastio is None:
            known = reader.element_type is not None and writer.element_type is not None
            if not known or reader.element_type == writer.element_type:
                return
        there = self.draft.document.line(output.path, port.path)
        reads = describe(reader.fastio or reader.element_type)
        writes = describe(writer.fastio or writer.element_type)
        here, _ = self.draft.document.place(port.path)
        what = f'output "{writer.name}" of operator "{upstream}" ({there}) is {writes}'
        self._error(port.path, f"{self._words(port)} (line {here}) is {reads}, but {what}")

    def _words(self, port: Port[Input]) -> str:
        return owner(self.draft.document.value, port.path)

    def _name(self, position: int) -> str:
        return self.draft.operators[position].name or ""

    def _error(self, path: Path, message: str, hint: str | None = None) -> None:
        self.faults.add(path, self.draft.document.problem(path, message, hint))
