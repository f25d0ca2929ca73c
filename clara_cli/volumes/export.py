"""A volume as a NIfTI file, whatever it was: for viewers that read nothing else. Made slice by slice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from clara_cli.volumes.orientation import Plane
from clara_cli.volumes.overlay import COLOURS, labels
from clara_cli.volumes.volume import Volume

# Types that every reader of NIfTI knows.
_KNOWN = ("u1", "i2", "i4", "f4")
# Code of the intent that says that numbers are labels.
_LABEL = 1002
_START = 352


def nifti_size(volume: Volume, marked: bool = False) -> int:
    """Bytes of the file."""
    left, back, up = volume.shape
    return _START + left * back * up * _dtype(volume, marked).itemsize


def nifti_pieces(volume: Volume, frame: int = 0, marked: bool = False) -> Iterator[bytes]:
    """The file of one frame, its axes to the right, the front and upwards.

    Args:
        marked: labels instead of values, as many as there are colours; those beyond begin again.

    Raises:
        VolumeError: while it is made, where the volume cannot be read.
    """
    dtype = _dtype(volume, marked)
    yield _header(volume, dtype, marked)
    for number in range(volume.slices(Plane.AXIAL)):
        # Rows run back and columns left; in the file both run the other way.
        rows = volume.slice(Plane.AXIAL, number, frame)[::-1, ::-1]
        if marked:
            found = labels(rows)
            rows = np.where(found > 0, (found - 1) % len(COLOURS) + 1, 0)
        yield np.ascontiguousarray(rows, dtype).tobytes()


def _dtype(volume: Volume, marked: bool) -> np.dtype[Any]:
    if marked:
        return np.dtype("u1")
    stored = volume.voxels.dtype.str[1:]
    plain = (volume.slope, volume.intercept) == (1.0, 0.0) and stored in _KNOWN
    return np.dtype(f"<{stored if plain else 'f4'}")


def _header(volume: Volume, dtype: np.dtype[Any], marked: bool) -> bytes:
    import nibabel as nib

    kind: Any = nib.nifti1.Nifti1Header
    header = kind(endianness="<")
    header.set_data_shape(volume.shape)
    header.set_data_dtype(dtype)
    header["magic"], header["vox_offset"] = b"n+1", _START
    header["intent_code"] = _LABEL if marked else 0
    left, back, _ = volume.shape
    affine = volume.orientation.affine
    if affine is None:
        across, along, up = volume.orientation.spacing
        affine = np.diag([-across, -along, up, 1])
    turned = np.diag([-1.0, -1.0, 1.0, 1.0])
    turned[:2, 3] = left - 1, back - 1
    header.set_sform(affine @ turned, code="scanner")
    header.set_xyzt_units("mm")
    return bytes(header.binaryblock) + b"\0" * 4
