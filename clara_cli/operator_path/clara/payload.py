"""What execute is handed: the folders and variables that the definition declares for this operator."""

from __future__ import annotations

import os
from typing import Any, Generic, Iterator, Sequence, TypeVar, Union

from clara.errors import UnknownName, WrongState, WrongType
from clara.fastio_context import FastIOContext
from clara.fastio_entry import FastIOEntry
from clara.fastio_output import FastIOOutput
from clara.link import Link


class PayloadEntry:
    """A folder that an input or output of the definition stands for."""

    def __init__(self, name: str, path: str) -> None:
        self._name, self._path = name, path

    @property
    def name(self) -> str:
        """Name in the definition; empty when it has none."""
        return self._name

    @property
    def path(self) -> str:
        """The folder, as this process sees it."""
        return self._path

    def __repr__(self) -> str:
        return "<PayloadEntry {!r} {}>".format(self._name, self._path)


Entry = TypeVar("Entry", bound=Union[PayloadEntry, FastIOEntry])


class PayloadCollection(Generic[Entry]):
    """Entries in the order of the definition, read-only; looked up by position or by name in any case."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = tuple(entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __getitem__(self, key: int | str) -> Entry:
        """The entry at a position (IndexError) or of a name (`clara.Error`, a KeyError)."""
        if not isinstance(key, str):
            return self._entries[key]
        for entry in self._entries:
            if entry.name.lower() == key.lower():
                return entry
        raise UnknownName("no entry {!r}; there are {}".format(key, self.keys()))

    def __contains__(self, item: object) -> bool:
        if isinstance(item, str):
            return item.lower() in (entry.name.lower() for entry in self._entries)
        return item in self._entries

    def keys(self) -> list[str]:
        """Names as declared."""
        return [entry.name for entry in self._entries]

    def __repr__(self) -> str:
        return "PayloadCollection({!r})".format(list(self._entries))


class Payload:
    """Inputs and outputs of the operator; usable only while execute runs.

    `input_entries`, `output_entries` are the folders, `fastio_input_entries`, `fastio_output_entries` the typed
    variables, `inputs`, `outputs` both kinds together.
    """

    def __init__(
        self,
        link: Link,
        inputs: Sequence[dict[str, Any]],
        outputs: Sequence[dict[str, Any]],
        shapes: Sequence[Any],
    ) -> None:
        self._link = link
        self._open = True
        self._context: FastIOContext | None = None
        self._inputs = [_input(link, index, item, shapes[index]) for index, item in enumerate(inputs)]
        self._outputs = [_output(link, index, item) for index, item in enumerate(outputs)]

    @property
    def inputs(self) -> PayloadCollection[Any]:
        """All inputs, folders and variables."""
        return PayloadCollection(self._usable(self._inputs))

    @property
    def outputs(self) -> PayloadCollection[Any]:
        """All outputs, folders and variables."""
        return PayloadCollection(self._usable(self._outputs))

    @property
    def input_entries(self) -> PayloadCollection[PayloadEntry]:
        """The input folders."""
        return PayloadCollection([e for e in self._usable(self._inputs) if isinstance(e, PayloadEntry)])

    @property
    def output_entries(self) -> PayloadCollection[PayloadEntry]:
        """The output folders."""
        return PayloadCollection([e for e in self._usable(self._outputs) if isinstance(e, PayloadEntry)])

    @property
    def fastio_input_entries(self) -> PayloadCollection[FastIOEntry]:
        """The typed variables that upstream operators wrote."""
        return PayloadCollection([e for e in self._usable(self._inputs) if isinstance(e, FastIOEntry)])

    @property
    def fastio_output_entries(self) -> PayloadCollection[FastIOEntry]:
        """The typed variables to write."""
        return PayloadCollection([e for e in self._usable(self._outputs) if isinstance(e, FastIOEntry)])

    input_fastio_entries = fastio_inputs = fastio_input_entries
    output_fastio_entries = fastio_outputs = fastio_output_entries

    @property
    def fastio_context(self) -> FastIOContext:
        """Shared memory by name."""
        self._usable(())
        if self._context is None:
            self._context = FastIOContext(self._link)
        return self._context

    def allocate_fixed(self) -> None:
        """Allocate the outputs whose shape the definition fixes; the driver does so right before execute."""
        for entry in self._outputs:
            if isinstance(entry, FastIOOutput):
                entry.allocate_fixed()

    def unallocated(self) -> list[str]:
        """Names of output variables that have no memory yet."""
        return [e.name for e in self._outputs if isinstance(e, FastIOEntry) and not e.is_allocated]

    def close(self) -> None:
        """Internal clean-up: nothing that was handed out can change shared memory any more."""
        self._open = False
        if self._context is not None:
            self._context.close()
        entries = [e for e in (*self._inputs, *self._outputs) if isinstance(e, FastIOEntry)]
        for entry in entries:
            entry.close()
        # several entries may have inherited one descriptor
        for descriptor in {entry.inherited for entry in entries if entry.inherited is not None}:
            os.close(descriptor)

    def _usable(self, entries: Sequence[Any]) -> Sequence[Any]:
        if not self._open:
            raise WrongState("the payload is only usable while execute runs")
        return entries


def _input(link: Link, index: int, item: dict[str, Any], shape: Any) -> PayloadEntry | FastIOEntry:
    if _is_folder(item):
        return PayloadEntry(item["name"], item["path"])
    return FastIOEntry(item, "inputs", index, link, shape)


def _output(link: Link, index: int, item: dict[str, Any]) -> PayloadEntry | FastIOEntry:
    if _is_folder(item):
        return PayloadEntry(item["name"], item["path"])
    return FastIOOutput(item, "outputs", index, link, None)


def _is_folder(item: dict[str, Any]) -> bool:
    if item["kind"] not in ("stream", "fastio"):
        raise WrongType("an input or output of an unknown kind {!r}".format(item["kind"]))
    return bool(item["kind"] == "stream")
