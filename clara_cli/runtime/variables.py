"""The FastIO variables of one job: their segments, who inherits which descriptor, and their shapes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from clara_cli.errors import RuntimeFailure
from clara_cli.fastio.segment import Segment, create_segment
from clara_cli.pipelines.model import FastIOType, Input, Operator, Pipeline


@dataclass(eq=False)
class Variable:
    """One declared output variable; `shape` is None until its producer gave it a size."""

    operator: str
    name: str
    type: FastIOType
    segment: Segment
    shape: tuple[int, ...] | None = None

    @property
    def label(self) -> str:
        return f"{self.operator}/{self.name}"


class Variables:
    """All variables of a job; a context manager that closes every descriptor the runner holds.

    Raises (when made):
        RuntimeFailure: shared memory cannot be made.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._all: dict[tuple[str, str], Variable] = {}
        self._readers: dict[tuple[str, str], list[tuple[str, Input]]] = {}
        try:
            for operator in pipeline.operators:
                for output in operator.outputs:
                    if output.fastio:
                        variable = Variable(operator.name, output.name, output.fastio, create_segment())
                        self._all[_key(operator.name, output.name)] = variable
                for item in operator.inputs:
                    if item.fastio and item.source:
                        self._readers.setdefault(_key(item.source, item.name), []).append((operator.name, item))
        except BaseException:
            self.close()
            raise

    def source(self, item: Input) -> Variable:
        """The variable that an input reads."""
        return self._all[_key(item.source or "", item.name)]

    def output(self, operator: str, name: str) -> Variable:
        """The variable behind an output."""
        return self._all[_key(operator, name)]

    def descriptors(self, operator: Operator) -> tuple[int, ...]:
        """What the operator's process inherits: read-only for inputs, writable for outputs."""
        found = [self.source(item).segment.readonly for item in operator.inputs if item.fastio]
        found += [self.output(operator.name, item.name).segment.writable for item in operator.outputs if item.fastio]
        return tuple(dict.fromkeys(number for number in found if number is not None))

    def allocate(self, operator: str, name: str, shape: tuple[int, ...]) -> None:
        """Note the size that a producer gave its variable.

        Raises:
            RuntimeFailure: the shape contradicts the declaration, or a reader's declaration.
        """
        variable = self.output(operator, name)
        _agree(shape, variable.type.shape, f'output "{variable.label}"')
        for reader, item in self._readers.get(_key(operator, name), ()):
            if item.fastio:
                _agree(shape, item.fastio.shape, f'input "{item.name}" of operator {reader}')
        variable.shape = shape

    def missing(self, operator: Operator) -> list[str]:
        """Names of the operator's output variables that were never given a size."""
        outputs = [item.name for item in operator.outputs if item.fastio]
        return [name for name in outputs if self.output(operator.name, name).shape is None]

    def seal(self, operator: Operator) -> bool:
        """The operator's process is gone: nobody else gets to write its variables.

        Returns:
            whether a process that it left behind still could.
        """
        written = [self.output(operator.name, item.name).segment for item in operator.outputs if item.fastio]
        for segment in written:
            segment.close_writable()
        return any(segment.has_writer() for segment in written)

    def release(self, operator: Operator, completed: set[str]) -> None:
        """A reader has ended: memory whose last reader this was is given back before the job ends."""
        for item in operator.inputs:
            if item.fastio and item.source:
                readers = {name for name, _ in self._readers[_key(item.source, item.name)]}
                if readers <= completed:
                    self.source(item).segment.close()

    def observable(self) -> list[Variable]:
        """Variables that hold data and can be looked at now."""
        return [item for item in self._all.values() if item.shape is not None and item.segment.readonly is not None]

    def __enter__(self) -> Variables:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for variable in self._all.values():
            variable.segment.close()


def _key(operator: str, name: str) -> tuple[str, str]:
    # Names are compared without regard to case.
    return operator.casefold(), name.casefold()


def _agree(shape: tuple[int, ...], declared: tuple[int, ...], what: str) -> None:
    fits = len(shape) == len(declared) and all(
        size == fixed or fixed <= 0 for size, fixed in zip(shape, declared, strict=False)
    )
    if not fits or prod(shape) < 0:
        raise RuntimeFailure(f"the shape {list(shape)} does not fit {what}, declared as {list(declared)}")
