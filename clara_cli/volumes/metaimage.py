"""MetaImage, the format that Clara's own operators hand on: `.mha` (one file), `.mhd` with its data in another one.

The header is lines of `Key = value`; the last one, `ElementDataFile`, says where the voxels are.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from math import prod
from typing import IO, Any

import numpy as np

from clara_cli.errors import VolumeError
from clara_cli.volumes.orientation import from_affine
from clara_cli.volumes.scratch import unpack, unpacking
from clara_cli.volumes.volume import Volume, check_dims
from clara_cli.volumes.voxels import FileVoxels

# The longest header that is read.
_HEADER = 64 << 10
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
# To millimetres right, front and up (RAS) from left, back and up.
_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Opens a file beside the header, by its name.
Beside = Callable[[str], IO[bytes]]


def open_metaimage(file: IO[bytes], name: str, beside: Beside) -> Volume:
    """The volume of a MetaImage file; `file` is closed once it is not needed any more.

    Args:
        beside: opens the file that holds the voxels of an `.mhd`.

    Raises:
        VolumeError: it is no such file, is cut short, or holds what cannot be shown.
    """
    keys, end = _keys(file.read(_HEADER), name)
    try:
        sizes = [int(word) for word in keys["DimSize"].split()]
        channels = int(keys.get("ElementNumberOfChannels", "1"))
        order = ">" if _yes(keys, "BinaryDataByteOrderMSB", "ElementByteOrderMSB") else "<"
        dtype = np.dtype(order + _TYPES[keys["ElementType"].upper()])
        affine = _affine(keys, len(sizes))
    except (KeyError, ValueError, OverflowError) as error:
        raise VolumeError(f"{name} has a header that makes no sense: {error}") from error
    dims = (*([channels] if channels != 1 else []), *sizes, *([1] * (3 - len(sizes))))
    if min(dims) < 0:
        raise VolumeError(f"{name} has a header that makes no sense: its size is {keys['DimSize']}")
    check_dims(dims, dtype, name)
    first = len(dims) - max(len(sizes), 3)
    data, offset = _data(file, keys, end, name, beside, prod(dims) * dtype.itemsize)
    voxels = FileVoxels(data, name, dims, dtype, offset)
    shape = (dims[first], dims[first + 1], dims[first + 2])
    return Volume(name, voxels, (first, first + 1, first + 2), from_affine(affine, shape, name))


def _keys(start: bytes, name: str) -> tuple[dict[str, str], int]:
    """The header's values, and where it ends."""
    found: dict[str, str] = {}
    end = 0
    while (stop := start.find(b"\n", end)) >= 0:
        key, sign, value = start[end:stop].decode("latin-1").partition("=")
        end = stop + 1
        if not sign:
            break
        found[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            return found, end
    raise VolumeError(f"{name} is no MetaImage file: no line of its header says ElementDataFile")


def _yes(keys: dict[str, str], *names: str) -> bool:
    return any(keys.get(name, "").lower() in ("true", "1", "yes") for name in names)


def _affine(keys: dict[str, str], dimensions: int) -> Any:
    """From voxels to millimetres right, front and up. Directions are those of ITK: left, back and up."""
    count = min(dimensions, 3)
    spacing = _numbers(keys, ("ElementSpacing", "ElementSize"), dimensions, 1.0)
    offset = _numbers(keys, ("Offset", "Position", "Origin"), dimensions, 0.0)
    turn = np.eye(dimensions)
    for key in ("TransformMatrix", "Rotation", "Orientation"):
        if key in keys:
            turn = np.array([float(word) for word in keys[key].split()]).reshape(dimensions, dimensions)
            break
    affine = np.eye(4)
    # Each row of the matrix is the direction of one axis.
    affine[:count, :count] = turn[:count, :count].T * spacing[:count]
    affine[:count, 3] = offset[:count]
    return _RAS @ affine


def _numbers(keys: dict[str, str], names: tuple[str, ...], count: int, otherwise: float) -> Any:
    for name in names:
        if name in keys:
            found = np.array([float(word) for word in keys[name].split()])
            if len(found) != count:
                raise ValueError(f"{name} has {len(found)} numbers for {count} axes")
            return found
    return np.full(count, otherwise)


def _data(
    file: IO[bytes], keys: dict[str, str], end: int, name: str, beside: Beside, size: int
) -> tuple[IO[bytes], int]:
    """The file that holds the voxels, and where in it they begin."""
    where = keys["ElementDataFile"]
    if where.upper() == "LOCAL":
        data, offset = file, end
    else:
        if "/" in where or "\\" in where or "%" in where or where.upper() == "LIST" or " " in where.strip():
            raise VolumeError(f"{name} takes its voxels from {where}: only one file beside it is read")
        file.close()
        data, offset = beside(where), 0
    if _yes(keys, "CompressedData"):
        data.seek(offset)
        with unpacking(name):
            unpacked = unpack(_Inflated(data), size, name)
        data.close()
        return unpacked, 0
    skipped = int(keys.get("HeaderSize", "0"))
    if skipped == -1:  # whatever is before the last so many bytes
        offset = os.fstat(data.fileno()).st_size - size
    elif data is not file:
        offset = skipped
    if offset < 0:
        raise VolumeError(f"{name} is cut short: {-offset:,} of {size:,} bytes are missing")
    return data, offset


class _Inflated:
    """A stream of what a zlib file holds."""

    def __init__(self, file: IO[bytes]) -> None:
        # Both that and gzip are written by tools.
        self._file, self._inflate = file, zlib.decompressobj(zlib.MAX_WBITS | 32)

    def read(self, size: int, /) -> bytes:
        while not self._inflate.eof:
            part = self._inflate.unconsumed_tail or self._file.read(1 << 16)
            if not part:
                return b""
            if found := self._inflate.decompress(part, size):
                return found
        return b""
