"""FastIO variables that the operator writes: sizing, and assignment straight into shared memory."""

from __future__ import annotations

from typing import Any, Sequence

from clara import memory
from clara.errors import InvalidValue, NotPermitted, WrongType
from clara.fastio_entry import FastIOEntry
from clara.fastio_types import FastIOAccess
from clara.mapping import Mapping, numpy
from clara.shapes import element_count, sizes, updated


class FastIOOutput(FastIOEntry):
    """An output: readable and writable until execute ends."""

    _access = FastIOAccess.READ_WRITE
    _written = False
    _asked = False

    def update_shape(self, *shape: Any) -> None:
        """Set the sizes of a dynamic variable and allocate it.

        Parameters
        ----------
        *shape : sequence of int, or ints
            The complete shape; fixed dimensions keep their size, dynamic ones get a positive size. May be
            repeated with other sizes until the memory is first touched.

        Raises
        ------
        clara.Error
            A ValueError for a wrong shape or a variable of fixed shape, a TypeError for sizes that are no
            integers, a MemoryError when the memory is not there.
        """
        self._check_open()
        if not self.is_dynamic:
            raise NotPermitted("{}: the shape {} is fixed".format(self._name, self._declared))
        self._resize(updated(self._name, self._declared, sizes(shape)))

    def allocate(self) -> None:
        """Allocate a dynamic variable whose sizes are all set.

        `update_shape` has already done so; the call is allowed once after it.

        Raises
        ------
        clara.Error (a ValueError)
            The variable has a fixed shape, a size is missing, or it was called before.
        """
        self._check_open()
        if not self.is_dynamic:
            raise NotPermitted("{}: a variable of fixed shape is already allocated".format(self._name))
        if not self._allocated:
            raise InvalidValue("{}: sizes are missing in the shape {}".format(self._name, self._shape))
        if self._asked:
            raise InvalidValue("{}: already allocated".format(self._name))
        self._asked = True

    def allocate_fixed(self) -> None:
        """Allocate a variable of fixed shape; the driver does so right before execute."""
        if not self.is_dynamic:
            self._resize(list(self._declared))

    def _assign_array(self, source: Any) -> None:
        if source is self._view and self._view is not None:
            return  # what `entry.array += 1` assigns at its end
        np = numpy()
        values = np.asarray(source)
        if not np.can_cast(values.dtype, np.dtype(self._type.value), "same_kind"):
            raise WrongType("{}: cannot store {} as {}".format(self._name, values.dtype, self._type))
        self._fit(list(values.shape))
        np.copyto(self.array, values, casting="same_kind")

    def _assign_value(self, value: Any) -> None:
        if not self._string:
            self._check_scalar()
            self.array = numpy().asarray([value], dtype=_scalar_dtype(value, self._type.value, self._name))
            return
        if not isinstance(value, (str, bytes)):
            raise WrongType("{}: a string variable takes text, not {!r}".format(self._name, value))
        text = value.encode() if isinstance(value, str) else value
        self._fit([len(text)])
        if text:
            self._mapped().memory()[:] = text

    def _fit(self, shape: list[int]) -> None:
        """Make the variable have exactly this shape, if it may still be chosen."""
        choosable = self.is_dynamic and (not self._allocated or (self._string and not self._written))
        if choosable:
            self._resize(updated(self._name, self._declared, shape, smallest=0))
        elif shape != self._shape:
            raise InvalidValue("{}: cannot store shape {} as {}".format(self._name, shape, self._shape))

    def _resize(self, shape: Sequence[int]) -> None:
        if self._written and list(shape) != self._shape:
            raise InvalidValue("{}: the shape is settled once the memory is used".format(self._name))
        if self._written:
            return
        memory.reserve(self._segment(), element_count(shape) * self._type.itemsize, self._name)
        self._link.request("shape", output=self._index, shape=list(shape))
        self._shape, self._allocated, self._asked = list(shape), True, False

    def _mapped(self) -> Mapping:
        mapping = super()._mapped()
        self._written = True
        return mapping


def _scalar_dtype(value: Any, declared: str, name: str) -> str | None:
    """The variable's own dtype for a Python number that fits it, else None: numpy's rules then decide."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    kind = numpy().dtype(declared)
    if kind.kind == "f":
        return declared
    if isinstance(value, float):
        return None
    limits = numpy().iinfo(kind)
    if not limits.min <= value <= limits.max:
        raise InvalidValue("{}: {} does not fit {}".format(name, value, declared))
    return declared
