"""A segment mapped into this process, and the numpy views of it."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any, Sequence

from clara.errors import Error
from clara.huge_pages import HUGE, MAP_NORESERVE, map_aligned, map_over
from clara.shapes import element_count

if TYPE_CHECKING:
    from numpy.typing import NDArray


def numpy() -> Any:
    """The numpy module, imported when the first array is touched."""
    try:
        import numpy as module
    except ImportError as error:
        raise Error("FastIO arrays need numpy in the operator's Python: {}".format(error)) from error
    return module


class Mapping:
    """The bytes of a segment, shared with every process that maps it.

    Parameters
    ----------
    descriptor : int
        The segment; not kept, only used.
    nbytes : int
        Bytes to map, from the start. 0 maps nothing and gives empty views.
    writable : bool
        False maps `PROT_READ`: no code path of this process can change the bytes.
    name : str
        For messages.

    Raises
    ------
    clara.Error
        The segment is shorter than `nbytes`, or cannot be mapped.
    """

    def __init__(self, descriptor: int, nbytes: int, writable: bool, name: str) -> None:
        self._nbytes = nbytes
        self._writable = writable
        self._arrays: list[NDArray[Any]] = []
        self._pages: mmap.mmap | None = None
        self._offset = 0
        if not nbytes:
            return
        if os.fstat(descriptor).st_size < nbytes:
            raise Error("{}: the shared memory is shorter than {} bytes".format(name, nbytes))
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        try:
            self._pages, self._offset = _mapped(descriptor, nbytes, protection)
        except (OSError, ValueError) as error:
            raise Error("{}: cannot map {} bytes: {}".format(name, nbytes, error)) from error

    def memory(self) -> memoryview:
        """The bytes themselves; read-only unless mapped for writing."""
        if self._pages is None:
            return memoryview(bytearray() if self._writable else b"")
        return memoryview(self._pages)[self._offset : self._offset + self._nbytes]

    def array(self, dtype: str, shape: Sequence[int]) -> NDArray[Any]:
        """A view without a copy: row-major, native byte order, writable as the mapping is."""
        np = numpy()
        kind = np.dtype(dtype)
        if self._pages is None:
            view = np.empty(shape, kind)
            view.flags.writeable = self._writable
        else:
            view = np.frombuffer(self._pages, kind, element_count(shape), self._offset).reshape(shape)
        self._arrays.append(view)
        result: NDArray[Any] = view
        return result

    def detach(self, descriptor: int) -> None:
        """End write access: views that were kept stay usable, but no longer reach the shared bytes.

        The same addresses are mapped again as private pages, so that a late write, even through a slice or a
        memoryview, changes a copy of this process only.
        """
        if self._pages is not None and self._writable:
            flags, protection = mmap.MAP_PRIVATE | MAP_NORESERVE, mmap.PROT_READ | mmap.PROT_WRITE
            try:
                map_over(self._pages, self._offset, self._nbytes, flags, protection, descriptor)
            except OSError as error:
                raise Error("cannot end the write access: {}".format(error.strerror)) from error
        for view in self._arrays:
            view.flags.writeable = False
        self._arrays.clear()


def _mapped(descriptor: int, nbytes: int, protection: int) -> tuple[mmap.mmap, int]:
    """Mapped memory, and where in it the segment begins."""
    if nbytes >= HUGE:
        try:
            return map_aligned(descriptor, nbytes, protection)
        except (OSError, ValueError, ImportError):
            pass
    return mmap.mmap(descriptor, nbytes, mmap.MAP_SHARED, protection), 0
