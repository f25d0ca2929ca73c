"""FastIO variables as an operator sees them: what inputs and outputs have in common, and inputs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Sequence

from clara.errors import InvalidValue, NotPermitted, WrongState, WrongType
from clara.fastio_types import FastIOAccess, FastIOType, element_type
from clara.link import Link
from clara.mapping import Mapping, numpy
from clara.shapes import dynamic_indices, element_count

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Answer(int):
    """A truth value that may also be called: `entry.is_dynamic` and `entry.is_dynamic()` both work."""

    def __call__(self) -> bool:
        return bool(self)

    def __repr__(self) -> str:
        return repr(bool(self))


class FastIOEntry:
    """A typed variable in shared memory. This class is an input: always read-only.

    Usable only while the execute handler runs; afterwards every member except `name` raises `clara.Error`.

    Parameters
    ----------
    description : dict
        As in the runner's answer to `hello`: `name`, `element_type`, `shape`, `string`, `fd`, `inode`.
    side : str
        `inputs` or `outputs`.
    index : int
        Position among all inputs (or outputs) of the operator.
    link : Link
        Who to ask for the descriptor.
    shape : sequence of int or None
        Sizes that the producer gave the variable; None when it is not allocated.
    """

    _access = FastIOAccess.READ

    def __init__(
        self, description: dict[str, Any], side: str, index: int, link: Link, shape: Sequence[int] | None
    ) -> None:
        self._name = str(description["name"])
        self._type = element_type(description["element_type"])
        self._string = bool(description.get("string"))
        self._declared = [int(size) for size in description["shape"]]
        self._shape = list(self._declared if shape is None else shape)
        self._allocated = shape is not None
        self._side, self._index, self._link = side, index, link
        self._descriptor: int | None = None
        self.inherited = _inherited(description.get("fd"), description.get("inode"))
        self._mapping: Mapping | None = None
        self._view: NDArray[Any] | None = None
        self._bytes: memoryview | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """Name as the definition spells it."""
        return self._name

    @property
    def shape(self) -> list[int]:
        """Sizes by dimension, row-major; as declared (-1 or 0 where dynamic) until they are set."""
        self._check_open()
        return list(self._shape)

    @property
    def element_type(self) -> FastIOType:
        """Type of one element; also a plain string such as `float32`."""
        self._check_open()
        return self._type

    @property
    def dtype(self) -> Any:
        """The numpy dtype of the elements."""
        self._check_open()
        return numpy().dtype(self._type.value)

    @property
    def size_in_bytes(self) -> int:
        """Bytes of all elements; 0 when not allocated."""
        self._check_open()
        return self._nbytes() if self._allocated else 0

    size = nbytes = size_in_bytes

    @property
    def dynamic_indices(self) -> list[int]:
        """Dimensions whose size is set at run time."""
        self._check_open()
        return dynamic_indices(self._declared)

    @property
    def is_dynamic(self) -> Answer:
        """Whether any size is set at run time."""
        self._check_open()
        return Answer(self._string or bool(dynamic_indices(self._declared)))

    @property
    def is_allocated(self) -> Answer:
        """Whether the variable has memory (perhaps of zero bytes)."""
        self._check_open()
        return Answer(self._allocated)

    @property
    def access(self) -> FastIOAccess:
        """`READ` for an input, `READ_WRITE` for an output."""
        self._check_open()
        return self._access

    def update_shape(self, *shape: Any) -> None:
        """Set the sizes of the dynamic dimensions; only for outputs."""
        self._check_open()
        raise NotPermitted("{}: an input's shape cannot be changed".format(self._name))

    def allocate(self) -> None:
        """Allocate memory; only for outputs."""
        self._check_open()
        raise NotPermitted("{}: an input is allocated by the operator that writes it".format(self._name))

    @property
    def array(self) -> NDArray[Any]:
        """The elements: a numpy view of the shared memory without a copy.

        Shape `shape`, dtype `element_type`, row-major, little-endian. Read-only for an input; writable for an
        output until execute ends. Assigning copies into the memory: the shape must be exactly that of the
        variable, the dtype must be castable by numpy's `same_kind`; a dynamic output without memory first gets
        the shape of what is assigned.

        Raises
        ------
        clara.Error
            Not allocated, or execute has ended. Assigning: also a ValueError for a wrong shape, a TypeError for
            a wrong dtype.
        """
        mapping = self._mapped()
        if self._view is None:
            self._view = mapping.array(self._type.value, self._shape)
        return self._view

    @array.setter
    def array(self, source: Any) -> None:
        self._check_open()
        self._assign_array(source)

    @property
    def value(self) -> Any:
        """The text of a `string`, the number of a primitive (shape `[1]`). Assigning sets it.

        Raises
        ------
        clara.Error
            Another kind of variable (a TypeError), bytes that are not UTF-8 (a ValueError), not allocated.
        """
        if self._string:
            try:
                return bytes(self._mapped().memory()).decode()
            except UnicodeDecodeError as error:
                raise InvalidValue("{}: not UTF-8 text: {}".format(self._name, error)) from error
        self._check_scalar()
        return self.array[0].item()

    @value.setter
    def value(self, value: Any) -> None:
        self._check_open()
        self._assign_value(value)

    def map_allocation(self) -> memoryview:
        """The bytes of the variable, without a copy; read-only for an input."""
        mapping = self._mapped()
        if self._bytes is None:
            self._bytes = mapping.memory()
        return self._bytes

    def unmap_allocation(self) -> None:
        """End the use of what `map_allocation` returned."""
        self._check_open()
        if self._bytes is not None:
            try:
                self._bytes.release()
            except BufferError:
                pass  # a view built on it is still in use and keeps it alive
        self._bytes = None

    map, unmap = map_allocation, unmap_allocation

    def __str__(self) -> str:
        readable = not self._closed and self._allocated and (self._string or self._declared == [1])
        return str(self.value) if readable else repr(self)

    def __repr__(self) -> str:
        return "<FastIOEntry {} {} {}>".format(self._name, self._type, self._shape)

    def _assign_array(self, source: Any) -> None:
        raise NotPermitted("{}: an input is read-only".format(self._name))

    def _assign_value(self, value: Any) -> None:
        raise NotPermitted("{}: an input is read-only".format(self._name))

    def _nbytes(self) -> int:
        return element_count(self._shape) * self._type.itemsize

    def _check_open(self) -> None:
        if self._closed:
            raise WrongState("{}: only usable while execute runs".format(self._name))

    def _check_scalar(self) -> None:
        if self._declared != [1]:
            raise WrongType("{}: an array has no single value; use .array".format(self._name))

    def _mapped(self) -> Mapping:
        self._check_open()
        if not self._allocated:
            raise WrongState("{}: not allocated, the shape is {}".format(self._name, self._shape))
        if self._mapping is None:
            writable = bool(self._access & FastIOAccess.WRITE)
            self._mapping = Mapping(self._segment(), self._nbytes(), writable, self._name)
        return self._mapping

    def _segment(self) -> int:
        if self._descriptor is None and self.inherited is not None:
            self._descriptor = os.dup(self.inherited)
        if self._descriptor is None:
            reply = self._link.request("descriptor", side=self._side, index=self._index)
            self._descriptor = reply.descriptors[0]
        return self._descriptor

    def close(self) -> None:
        """Internal clean-up after execute: no member works any more, kept views no longer write through."""
        self._closed = True
        try:
            if self._mapping is not None:
                self._mapping.detach(self._segment())
        finally:
            self._mapping = self._view = self._bytes = None
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = None


def _inherited(descriptor: Any, inode: Any) -> int | None:
    """The descriptor if this process really inherited that file under this number."""
    try:
        if not isinstance(descriptor, int) or os.fstat(descriptor).st_ino != inode:
            return None
        os.set_inheritable(descriptor, False)  # programs that the operator starts have no use for it
    except OSError:
        return None
    return descriptor
