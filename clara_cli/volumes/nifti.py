"""NIfTI files, `.nii` and `.nii.gz`: the header is read whole, the voxels when they are asked for."""

from __future__ import annotations

import math
from math import prod
from typing import IO, Any

import numpy as np

from clara_cli.errors import VolumeError
from clara_cli.volumes.orientation import UNKNOWN, Orientation, from_affine
from clara_cli.volumes.scratch import gunzip, unpack, unpacking
from clara_cli.volumes.volume import Volume, check_dims
from clara_cli.volumes.voxels import FileVoxels
from clara_cli.volumes.window import Window, between

# Bytes of a NIfTI-1 and of a NIfTI-2 header, the first number in it.
_FIRST, _SECOND = 348, 540
_STEP = 1 << 20
# To millimetres, by the code of the header's lower three bits of `xyzt_units`.
_MILLIMETRES = {1: 1000.0, 3: 0.001}


def open_nifti(file: IO[bytes], name: str) -> Volume:
    """The volume of a NIfTI file; `file` is closed once it is not needed any more.

    Raises:
        VolumeError: it is no such file, is cut short, or holds what cannot be shown.
    """
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream = gunzip(file) if packed else file
    with unpacking(name):
        start = stream.read(_SECOND)
    header = _header(start, name)
    dims, dtype, offset = _layout(header, name)
    skipped = offset - len(start)
    if packed:
        with unpacking(name):
            while skipped > 0 and (part := stream.read(min(skipped, _STEP))):
                skipped -= len(part)
        unpacked = unpack(_After(start[offset:], stream), prod(dims) * dtype.itemsize, name)
        file.close()
        file, offset = unpacked, 0
    dims = (*dims, *([1] * (3 - len(dims))))
    slope, intercept = _scaling(header)
    voxels = FileVoxels(file, name, dims, dtype, offset)
    orientation = _orientation(header, (dims[0], dims[1], dims[2]), name)
    return Volume(name, voxels, (0, 1, 2), orientation, slope, intercept, _window(header))


class _After:
    """Bytes that were read already, then the rest of a stream."""

    def __init__(self, start: bytes, rest: IO[bytes]) -> None:
        self._start, self._rest = start, rest

    def read(self, size: int, /) -> bytes:
        part, self._start = self._start[:size], self._start[size:]
        return part or self._rest.read(size)


def _header(start: bytes, name: str) -> Any:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    lengths = {int.from_bytes(start[:4], order) for order in ("little", "big")}
    kind: Any = Nifti1Header if _FIRST in lengths else Nifti2Header if _SECOND in lengths else None
    size = _FIRST if kind is Nifti1Header else _SECOND
    if kind is None or len(start) < size:
        raise VolumeError(f"{name} is no NIfTI file: it does not begin with a NIfTI header")
    # Only read: what is wrong in it is said below, not in a log.
    header: Any = kind(start[:size], check=False)
    magic = bytes(header["magic"].tobytes())[:3]
    if magic not in (b"n+1", b"n+2"):
        raise VolumeError(f"{name} is no NIfTI file of one piece: its header does not say n+1 or n+2")
    return header


def _layout(header: Any, name: str) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Dimensions, type and place of the voxels."""
    from nibabel.spatialimages import HeaderDataError

    try:
        dims = tuple(int(size) for size in header.get_data_shape())
        dtype = np.dtype(header.get_data_dtype())
        offset = int(float(header["vox_offset"]))
    except (HeaderDataError, KeyError, ValueError, OverflowError, TypeError, IndexError) as error:
        raise VolumeError(f"{name} has a header that makes no sense: {error}") from error
    if min(dims, default=0) < 0:
        raise VolumeError(f"{name} has a header that makes no sense: its shape is {' x '.join(map(str, dims))}")
    while len(dims) > 3 and dims[-1] == 1:
        dims = dims[:-1]
    check_dims(dims, dtype, name)
    least = int(header["sizeof_hdr"])
    return dims, dtype, least + 4 if offset == 0 else max(offset, least)


def _scaling(header: Any) -> tuple[float, float]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not math.isfinite(slope) or slope == 0:
        return 1.0, 0.0
    return slope, intercept if math.isfinite(intercept) else 0.0


def _window(header: Any) -> Window | None:
    low, high = float(header["cal_min"]), float(header["cal_max"])
    return between(low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None


def _orientation(header: Any, shape: tuple[int, int, int], name: str) -> Orientation:
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        # Nothing but the sizes of a voxel is known. Readers take such a file as if it lay in standard position.
        zooms = [float(size) if math.isfinite(size) and size > 0 else 1.0 for size in header["pixdim"][1:4]]
        plain = UNKNOWN["xyz"]
        return Orientation(plain.axes, plain.flipped, (zooms[0], zooms[1], zooms[2]))
    from nibabel.spatialimages import HeaderDataError

    try:
        affine = header.get_best_affine()
    except (HeaderDataError, ValueError) as error:
        raise VolumeError(f"{name} has a header that makes no sense: {error}") from error
    scale = _MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)
    return from_affine(np.diag([scale, scale, scale, 1.0]) @ affine, shape, name)
