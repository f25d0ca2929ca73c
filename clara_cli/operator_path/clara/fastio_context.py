"""Shared memory by name, for pipelines older than typed FastIO variables."""

from __future__ import annotations

import os
from weakref import WeakSet

from clara import memory
from clara.errors import Error, InvalidValue, WrongState
from clara.fastio_allocation import FastIOAllocation
from clara.link import Link, Reply
from clara.shapes import sizes


class FastIOContext:
    """The shared memory of one job. Usable only while execute runs."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._allocations: WeakSet[FastIOAllocation] = WeakSet()
        self._open = True

    def create(self, size: int) -> FastIOAllocation:
        """A new resource of `size` bytes (all zero); nobody else reaches it before it is published.

        Raises
        ------
        clara.Error
            A ValueError for a negative size, a MemoryError when the memory is not there.
        """
        self._check_open()
        (nbytes,) = sizes([[size]])
        if nbytes < 0:
            raise InvalidValue("a resource cannot have {} bytes".format(nbytes))
        allocation = self._allocation(self._link.request("create", size=nbytes), nbytes)
        try:
            memory.reserve(allocation._descriptor, nbytes, "new resource")
        except Error:
            allocation.free()
            raise
        return allocation

    def get(self, name: str) -> FastIOAllocation:
        """The resource published under a name.

        Raises
        ------
        clara.Error (a KeyError)
            Nothing is published under that name.
        """
        self._check_open()
        reply = self._link.request("get", name=str(name))
        return self._allocation(reply, int(reply.fields["size"]))

    def close(self) -> None:
        """Internal clean-up: release what execute did not release."""
        self._open = False
        for allocation in list(self._allocations):
            allocation.close()

    def _allocation(self, reply: Reply, size: int) -> FastIOAllocation:
        descriptor = reply.descriptors[0]
        os.set_inheritable(descriptor, False)
        allocation = FastIOAllocation(self._link, int(reply.fields["id"]), size, descriptor)
        self._allocations.add(allocation)
        return allocation

    def _check_open(self) -> None:
        if not self._open:
            raise WrongState("the FastIO context is only usable while execute runs")
