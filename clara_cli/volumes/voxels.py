"""Where the numbers of a volume come from: a part of a file, or shared memory, which is a file as well.

Dimensions are always named from the one that changes fastest in memory to the slowest: a C-ordered array `[z, y, x]`
and a NIfTI file `(x, y, z)` both have the dimensions `(x, y, z)` here.

All of it is read with `pread` and not mapped: an operator may cut a file or a variable short at any moment, and
touching a mapping beyond the end of its file ends the process that touches it.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from math import prod
from typing import IO, Any, Protocol

import numpy as np

from clara_cli.errors import VolumeError

Array = np.ndarray[Any, Any]
# For each dimension the one position that is wanted, or None for all of them.
Index = Sequence[int | None]

# Bytes that are read at once although only a part of them is wanted.
_AT_ONCE = 4 << 20
MAX_DIMENSIONS = 8


class Voxels(Protocol):
    """The numbers of a volume; `dims` from the fastest dimension to the slowest."""

    @property
    def dims(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def take(self, index: Index) -> Array:
        """The numbers at the given positions, with the dimensions that were not given, in the order of `dims`."""
        ...


class FileVoxels:
    """Numbers that lie one after another in an open file.

    At no time is more in memory than what was asked for and one block of 4 MiB.

    Args:
        file: closed once nobody uses the voxels any more.
        offset: bytes before the first number.

    Raises (when made):
        VolumeError: the file is shorter than its numbers need.
    """

    def __init__(self, file: IO[bytes], name: str, dims: Sequence[int], dtype: np.dtype[Any], offset: int = 0) -> None:
        self._file, self._name, self._offset = file, name, offset
        self.dims: tuple[int, ...] = tuple(dims)
        self.dtype: np.dtype[Any] = dtype
        needed, there = prod(self.dims) * dtype.itemsize, os.fstat(file.fileno()).st_size - offset
        if there < needed:
            raise VolumeError(
                f"{name} is cut short: {' x '.join(map(str, self.dims))} {dtype} are {needed:,} bytes, "
                f"{max(there, 0):,} are there"
            )
        weakref.finalize(self, file.close)

    def take(self, index: Index) -> Array:
        return self._take(self.dims, tuple(index), self._offset)

    def _take(self, dims: tuple[int, ...], index: tuple[int | None, ...], offset: int) -> Array:
        while index and (at := index[-1]) is not None:
            dims, index = dims[:-1], index[:-1]
            offset += at * prod(dims) * self.dtype.itemsize
        size = prod(dims) * self.dtype.itemsize
        if all(at is None for at in index):
            return self._read(offset, dims)
        if size <= _AT_ONCE:
            # A copy: a view would keep the whole block.
            return np.array(self._read(offset, dims)[tuple(slice(None) if at is None else at for at in index)])
        step = size // dims[-1]
        parts = [self._take(dims[:-1], index[:-1], offset + number * step) for number in range(dims[-1])]
        return np.stack(parts, axis=-1)

    def _read(self, offset: int, dims: tuple[int, ...]) -> Array:
        size = prod(dims) * self.dtype.itemsize
        read = bytearray(size)
        view, done = memoryview(read), 0
        while done < size:
            count = os.preadv(self._file.fileno(), [view[done:]], offset + done)
            if count == 0:
                raise VolumeError(f"{self._name} became shorter while it was read")
            done += count
        return np.frombuffer(read, self.dtype).reshape(dims, order="F")
