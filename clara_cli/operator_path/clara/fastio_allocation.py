"""References to shared memory of the context API."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from clara.errors import Error, InvalidValue, WrongState
from clara.fastio_types import FastIOAccess, FastIOType
from clara.fastio_types import access as access_of
from clara.fastio_types import element_type as type_of
from clara.link import Link
from clara.mapping import Mapping
from clara.shapes import element_count, sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FastIOAllocation:
    """A counted reference to a shared memory resource, from `FastIOContext.create` or `get`.

    Bytes are reached between `map` and `unmap`. One operator at a time may map for writing; readers may map at
    any time and can then see half-written data. Deleting the object, or the end of execute, releases it.
    `with allocation as array:` maps for reading and writing; `with allocation.mapped("read") as array:` reads.
    """

    def __init__(self, link: Link, number: int, size: int, descriptor: int) -> None:
        self._link, self._number, self._size, self._descriptor = link, number, size, descriptor
        self._label = "resource {}".format(number)
        self._mapping: Mapping | None = None
        self._writes = False
        self._open = True

    @property
    def size(self) -> int:
        """Bytes of the resource."""
        self._check_open()
        return self._size

    def publish(self, name: str) -> None:
        """Make the resource reachable for all operators of the job; it may have several names."""
        self._check_open()
        self._link.request("publish", id=self._number, name=str(name))

    def set_type_and_dimensions(self, element_type: Any, dimensions: Sequence[int]) -> None:
        """Attach metadata: type of an element and sizes by dimension, row-major (in either order).

        Raises
        ------
        clara.Error
            A ValueError when so many elements do not fit, a TypeError for an unknown type.
        """
        self._check_open()
        if isinstance(element_type, (list, tuple)):
            element_type, dimensions = dimensions, element_type
        kind, shape = type_of(element_type), sizes([dimensions])
        nbytes = element_count(shape) * kind.itemsize
        if min(shape, default=0) < 0 or nbytes > self._size:
            raise InvalidValue("{} of shape {} do not fit {} bytes".format(kind, shape, self._size))
        self._link.request("describe", id=self._number, element_type=kind.value, dimensions=shape)

    def get_type_and_dimensions(self) -> tuple[FastIOType | None, list[int]]:
        """The metadata; `(None, [])` when none was attached."""
        self._check_open()
        fields = self._link.request("metadata", id=self._number).fields
        if not fields.get("element_type"):
            return None, []
        return type_of(fields["element_type"]), [int(size) for size in fields["dimensions"]]

    def map(self, access: Any = FastIOAccess.READ_WRITE) -> NDArray[Any]:
        """A numpy view of the memory, without a copy.

        Parameters
        ----------
        access : FastIOAccess or str
            `read` gives a read-only view; `write` and `read_write` a writable one.

        Returns
        -------
        numpy.ndarray
            dtype and shape from the metadata, else uint8 of shape `(size,)`.

        Raises
        ------
        clara.Error
            Mapped already, or (a PermissionError) mapped for writing by another operator.
        """
        self._check_open()
        if self._mapping is not None:
            raise WrongState("{} is already mapped".format(self._label))
        writes = bool(access_of(access) & FastIOAccess.WRITE)
        kind, shape = self.get_type_and_dimensions()
        mapping = Mapping(self._descriptor, self._size, writes, self._label)
        self._link.request("map", id=self._number, write=writes)
        self._mapping, self._writes = mapping, writes
        return mapping.array(kind.value if kind else "uint8", shape if kind else [self._size])

    def unmap(self) -> None:
        """End the use of the view; a kept view no longer reaches the shared bytes."""
        self._check_open()
        if self._mapping is None:
            raise WrongState("{} is not mapped".format(self._label))
        mapping, self._mapping = self._mapping, None
        mapping.detach(self._descriptor)
        self._link.request("unmap", id=self._number, write=self._writes)

    @contextmanager
    def mapped(self, access: Any = FastIOAccess.READ_WRITE) -> Iterator[NDArray[Any]]:
        """`map` for the length of a `with` block."""
        view = self.map(access)
        try:
            yield view
        finally:
            if self._open and self._mapping is not None:
                self.unmap()

    def __enter__(self) -> NDArray[Any]:
        return self.map()

    def __exit__(self, *_: object) -> None:
        if self._open and self._mapping is not None:
            self.unmap()

    def release(self) -> None:
        """Drop this reference now; the memory lives until all references are gone."""
        self._check_open()
        self._drop()
        self._link.request("release", id=self._number)

    def free(self) -> None:
        """Drop this reference and make the resource unreachable; references of others stay valid."""
        self._check_open()
        self._drop()
        self._link.request("free", id=self._number)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Release unless that was done; never raises, never blocks."""
        try:
            if self._open:
                self._drop()
                self._link.post("release", id=self._number)
        except (AttributeError, Error, OSError):
            pass  # half-built, or the runner is gone and took the resource along

    def _drop(self) -> None:
        self._open = False
        try:
            if self._mapping is not None:
                self._mapping.detach(self._descriptor)
                self._link.post("unmap", id=self._number, write=self._writes)
        finally:
            self._mapping = None
            os.close(self._descriptor)

    def _check_open(self) -> None:
        if not self._open:
            raise WrongState("{} was released".format(self._label))
