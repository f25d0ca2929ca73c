"""NumPy's files: one array (`.npy`), or several in a zip archive (`.npz`)."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from tokenize import TokenError
from typing import IO, Any

import numpy as np

from clara_cli.errors import VolumeError
from clara_cli.volumes.orientation import UNKNOWN
from clara_cli.volumes.scratch import unpack, unpacking
from clara_cli.volumes.volume import Volume, check_dims
from clara_cli.volumes.voxels import FileVoxels, Voxels

# A header longer than this is no array's.
_HEADER = 1 << 16
# An entry of a zip archive before its name: 30 bytes, the lengths of name and extra field last.
_LOCAL = struct.Struct("<26xHH")


def array_names(file: IO[bytes], name: str) -> list[str]:
    """The arrays of an `.npz` file.

    Raises:
        VolumeError: it is damaged.
    """
    return [entry.filename.removesuffix(".npy") for entry in _entries(file, name)]


def open_npz(file: IO[bytes], name: str, member: str | None, axes: str) -> Volume:
    """One array of an `.npz` file, by default the largest; mapped where it is not packed.

    Raises:
        VolumeError: there is no such array, it holds no numbers, or the file is damaged.
    """
    entries = {entry.filename.removesuffix(".npy"): entry for entry in _entries(file, name)}
    if not entries:
        raise VolumeError(f"{name} holds no arrays")
    chosen = max(entries, key=lambda key: entries[key].file_size) if member is None else member
    if chosen not in entries:
        raise VolumeError(f"{name} has no array {chosen}; it has {', '.join(entries)}")
    entry, shown = entries[chosen], f"{name}: {chosen}"
    if entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 1:
        file.seek(entry.header_offset)
        lengths = file.read(_LOCAL.size)
        if len(lengths) < _LOCAL.size:
            raise VolumeError(f"{name} is cut short")
        file.seek(entry.header_offset + _LOCAL.size + sum(_LOCAL.unpack(lengths)))
        return _array(file, shown, axes)
    with unpacking(name), _damage(name), zipfile.ZipFile(file) as archive, archive.open(entry) as stream:
        unpacked = unpack(stream, entry.file_size, shown)
    file.close()
    unpacked.seek(0)
    try:
        return _array(unpacked, shown, axes)
    except BaseException:
        unpacked.close()
        raise


def open_npy(file: IO[bytes], name: str, axes: str) -> Volume:
    """The array of an `.npy` file.

    Raises:
        VolumeError: it holds no numbers, or is damaged.
    """
    return _array(file, name, axes)


def from_array(voxels: Voxels, name: str, axes: str) -> Volume:
    """An array as a volume. `axes` says what its last three axes are (`zyx`), or its first three (`xyz`).

    Of more than three, leading ones of size 1 are a batch, as operators for networks write them, and no x.

    Raises:
        VolumeError: it holds no numbers or has too few or too many axes.
    """
    dims = _padded(voxels.dims)
    check_dims(dims, voxels.dtype, name)
    axes = axes if len(voxels.dims) > 2 else "zyx"
    first = 0 if axes == "zyx" else len(dims) - 1
    while first > 2 and dims[first] == 1:
        first -= 1
    step = 1 if axes == "zyx" else -1
    spatial = (first, first + step, first + 2 * step)
    return Volume(name, _Padded(voxels, dims), spatial, UNKNOWN[axes])


def _padded(dims: tuple[int, ...]) -> tuple[int, ...]:
    return (*dims, *([1] * (3 - len(dims)))) if len(dims) == 2 else dims


class _Padded:
    """Voxels with a third dimension of size 1 where they have but two."""

    def __init__(self, voxels: Voxels, dims: tuple[int, ...]) -> None:
        self._voxels, self.dims, self.dtype = voxels, dims, voxels.dtype

    def take(self, index: Any) -> np.ndarray[Any, Any]:
        had = len(self._voxels.dims)
        taken = self._voxels.take(index[:had])
        return taken[..., None] if had < len(self.dims) and index[had] is None else taken


def _array(file: IO[bytes], name: str, axes: str) -> Volume:
    """The array whose header begins where the file is read next."""
    try:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):  # whose header may be said to have 4 GiB
            said = file.read(4)
            file.seek(-len(said), os.SEEK_CUR)
            if (length := int.from_bytes(said, "little")) > _HEADER:
                raise ValueError(f"its header has {length:,} bytes")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError, SyntaxError, TypeError, RecursionError, MemoryError, TokenError) as error:
        raise VolumeError(f"{name} is no array that can be read: {_first_line(error)}") from error
    if dtype.hasobject:
        raise VolumeError(f"{name} holds Python objects, no numbers; they are not loaded")
    dims = tuple(int(size) for size in (shape if fortran else shape[::-1]))
    if min(dims, default=0) < 0 or prod(dims) >= 1 << 62:
        raise VolumeError(f"{name} is no array that can be read: its shape is {' x '.join(map(str, dims))}")
    # In a Fortran-ordered array the first axis is the fastest, which is what `xyz` is of the others.
    voxels = FileVoxels(file, name, dims, dtype, file.tell())
    check_dims(_padded(dims), dtype, name)
    return from_array(_Turned(voxels) if fortran else voxels, name, axes)


class _Turned:
    """Voxels with their dimensions the other way round, as an array in C order would have them."""

    def __init__(self, voxels: Voxels) -> None:
        self._voxels, self.dims, self.dtype = voxels, voxels.dims[::-1], voxels.dtype

    def take(self, index: Any) -> np.ndarray[Any, Any]:
        return np.asarray(self._voxels.take(tuple(index)[::-1]).T)


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """What a zip archive raises, in one message."""
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, ValueError) as error:
        raise VolumeError(f"{name} is damaged or packed in a way that is not known: {_first_line(error)}") from error


def _entries(file: IO[bytes], name: str) -> list[zipfile.ZipInfo]:
    file.seek(0)
    with unpacking(name), _damage(name):
        return [entry for entry in zipfile.ZipFile(file).infolist() if entry.filename.endswith(".npy")]


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
