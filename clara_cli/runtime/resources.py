"""Shared memory that operators make by hand (the context API): who holds, maps and publishes what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from clara_cli.fastio.segment import Segment, create_segment


class Refused(Exception):
    """A request that cannot be granted; `kind` tells the operator's driver which exception to raise."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(eq=False)
class Resource:
    """One piece of shared memory; `size` in bytes, `holders` counts references by connection.

    `writes` counts how often the one connection that may write, `writer`, has mapped it.
    """

    segment: Segment
    size: int
    names: set[str] = field(default_factory=set)
    holders: Counter[object] = field(default_factory=Counter)
    writer: object | None = None
    writes: int = 0
    element_type: str | None = None
    dimensions: list[int] | None = None

    def metadata(self) -> dict[str, Any]:
        return {"size": self.size, "element_type": self.element_type, "dimensions": self.dimensions}


class Resources:
    """All hand-made resources of a job. A published one lives until it is freed, or the job ends."""

    def __init__(self) -> None:
        self._all: dict[int, Resource] = {}
        self._names: dict[str, int] = {}
        self._next = 1

    def create(self, holder: object, size: int) -> tuple[int, Resource]:
        if size < 0:
            raise Refused("value", f"a size cannot be {size}")
        resource = Resource(create_segment(), size)
        resource.holders[holder] += 1
        number, self._next = self._next, self._next + 1
        self._all[number] = resource
        return number, resource

    def get(self, holder: object, name: str) -> tuple[int, Resource]:
        if name not in self._names:
            known = ", ".join(sorted(self._names)) or "nothing"
            raise Refused("key", f'nothing is published as "{name}"; published: {known}')
        number = self._names[name]
        self._all[number].holders[holder] += 1
        return number, self._all[number]

    def held(self, holder: object, number: int) -> Resource:
        """The resource, if the holder has a reference to it."""
        resource = self._all.get(number)
        if resource is None or not resource.holders[holder]:
            raise Refused("key", f"there is no shared memory resource {number} here")
        return resource

    def publish(self, holder: object, number: int, name: str) -> None:
        resource = self.held(holder, number)
        previous = self._names.get(name)
        if previous is not None and previous != number:
            raise Refused("value", f'"{name}" is published already')
        resource.names.add(name)
        self._names[name] = number

    def map(self, holder: object, number: int, write: bool) -> None:
        resource = self.held(holder, number)
        if write:
            if resource.writer not in (None, holder):
                raise Refused("permission", "another operator maps this resource for writing")
            resource.writer = holder
            resource.writes += 1

    def unmap(self, holder: object, number: int, write: bool) -> None:
        resource = self.held(holder, number)
        if write and resource.writer is holder:
            resource.writes -= 1
            if not resource.writes:
                resource.writer = None

    def release(self, holder: object, number: int) -> None:
        resource = self.held(holder, number)
        resource.holders[holder] -= 1
        if not resource.holders[holder] and resource.writer is holder:
            resource.writer, resource.writes = None, 0
        self._drop_unused(number)

    def free(self, holder: object, number: int) -> None:
        """Drop the reference and make the resource unreachable; those who hold it keep it."""
        for name in self.held(holder, number).names:
            self._names.pop(name, None)
        self._all[number].names.clear()
        self.release(holder, number)

    def leave(self, holder: object) -> None:
        """A connection ended: all its references are dropped."""
        for number, resource in list(self._all.items()):
            if resource.holders.pop(holder, 0):
                if resource.writer is holder:
                    resource.writer, resource.writes = None, 0
                self._drop_unused(number)

    def close(self) -> None:
        for resource in self._all.values():
            resource.segment.close()

    def _drop_unused(self, number: int) -> None:
        resource = self._all[number]
        if not resource.names and not +resource.holders:
            resource.segment.close()
            del self._all[number]
