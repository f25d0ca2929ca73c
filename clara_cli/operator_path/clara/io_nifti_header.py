"""The headers of NIfTI-1 and NIfTI-2 files, of either byte order."""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple, Sequence

from clara.errors import InvalidValue
from clara.mapping import numpy

# datatype code → numpy dtype (nifti1.h); 1 (single bits) has no dtype
DTYPES = {
    **{2: "u1", 4: "i2", 8: "i4", 16: "f4", 32: "c8", 64: "f8", 256: "i1", 512: "u2", 768: "u4"},
    **{1024: "i8", 1280: "u8", 1536: "f16", 1792: "c16", 2048: "c32"},
    128: [("R", "u1"), ("G", "u1"), ("B", "u1")],
    2304: [("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")],
}


class _Layout(NamedTuple):
    """Where the fields are that are read here, as (offset, struct format)."""

    size: int
    magic: tuple[int, bytes]
    dim: tuple[int, str]
    datatype: tuple[int, str]
    pixdim: tuple[int, str]
    offset: tuple[int, str]
    scaling: tuple[int, str]
    codes: tuple[int, str]
    quaternion: tuple[int, str]
    rows: tuple[int, str]


NIFTI1 = _Layout(
    *(348, (344, b"n+1\0"), (40, "8h"), (70, "2h"), (76, "8f"), (108, "f"), (112, "2f"), (252, "2h")),
    *((256, "6f"), (280, "12f")),
)
NIFTI2 = _Layout(
    *(540, (4, b"n+2\0\r\n\x1a\n"), (16, "8q"), (12, "2h"), (104, "8d"), (168, "q"), (176, "2d"), (344, "2i")),
    *((352, "6d"), (400, "12d")),
)
_LAYOUTS = {348: NIFTI1, 540: NIFTI2}


class Header(NamedTuple):
    """What a NIfTI header says of the voxels.

    Attributes
    ----------
    shape : tuple of int
        Sizes, first axis fastest in the file.
    dtype : numpy.dtype
        As on disk, byte order included.
    offset : int
        Where the voxels begin, in bytes of the unpacked file.
    slope, inter : float
        A voxel's value is `slope * stored + inter`; 1 and 0 where the file does not scale.
    affine : numpy.ndarray
        float64 [4, 4]: voxel indices to millimetres, right-anterior-superior.
    """

    shape: tuple[int, ...]
    dtype: Any
    offset: int
    slope: float
    inter: float
    affine: Any

    @property
    def is_scaled(self) -> bool:
        """Whether values are not the stored numbers."""
        return (self.slope, self.inter) != (1.0, 0.0)


def parse_header(data: bytes, name: str) -> Header:
    """The header at the start of a file.

    Parameters
    ----------
    data : bytes
        The first 540 bytes, or all there are.
    name : str
        The file, for messages.

    Raises
    ------
    clara.Error (a ValueError)
        No NIfTI file of one piece, or one that contradicts itself.
    """
    order, layout = _layout(data, name)

    def field(place: tuple[int, str]) -> tuple[Any, ...]:
        return struct.unpack_from(order + place[1], data, place[0])

    at, magic = layout.magic
    if data[at : at + len(magic)] != magic:
        if data[at : at + 3] in (b"ni1", b"ni2"):
            text = "{} is not a readable NIfTI file but one of a pair; header and voxels must be in one file"
            raise InvalidValue(text.format(name))
        raise InvalidValue("{} is not a readable NIfTI file: its header is not marked as one".format(name))
    rank, *sizes = field(layout.dim)
    if not 1 <= rank <= 7 or min(sizes[:rank]) < 0:
        raise InvalidValue("{}: the header's sizes {} are impossible".format(name, [rank, *sizes]))
    code = field(layout.datatype)[0]
    if code not in DTYPES:
        raise InvalidValue("{}: voxels of the data type {} cannot be read".format(name, code))
    offset = field(layout.offset)[0]
    if not math.isfinite(offset) or (offset and offset < layout.size):
        raise InvalidValue("{}: the voxels cannot begin at byte {}".format(name, offset))
    slope, inter = _scaling(field(layout.scaling), name)
    kind = numpy().dtype(DTYPES[code]).newbyteorder(order)
    orientation = [field(place) for place in (layout.codes, layout.quaternion, layout.rows, layout.pixdim)]
    affine = _affine(orientation, sizes[:rank])
    return Header(tuple(sizes[:rank]), kind, int(offset) or layout.size + 4, slope, inter, affine)


def _layout(data: bytes, name: str) -> tuple[str, _Layout]:
    for order in "<>":
        if len(data) >= 4:
            layout = _LAYOUTS.get(struct.unpack_from(order + "i", data)[0])
            if layout is not None and len(data) >= layout.size:
                return order, layout
    raise InvalidValue("{} is not a readable NIfTI file: it does not begin with a header".format(name))


def _scaling(pair: tuple[Any, ...], name: str) -> tuple[float, float]:
    """As nibabel takes it: a slope of 0 or one that is no number means no scaling."""
    slope, inter = pair
    if slope == 0 or not math.isfinite(slope):
        return 1.0, 0.0
    if not math.isfinite(inter):
        raise InvalidValue("{}: the intercept {} is not a finite number".format(name, inter))
    return slope, inter


def _affine(orientation: Sequence[tuple[Any, ...]], shape: Sequence[int]) -> Any:
    np = numpy()
    codes, quaternion, rows, pixdim = orientation
    affine = np.eye(4)
    if codes[1] > 0:
        affine[:3] = np.reshape(rows, (3, 4))
    elif codes[0] > 0:
        b, c, d, *shift = quaternion
        a = math.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
        rotation = np.array(
            [
                [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
                [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
                [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
            ]
        )
        handed = -1.0 if pixdim[0] < 0 else 1.0
        affine[:3, :3] = rotation * [pixdim[1], pixdim[2], pixdim[3] * handed]
        affine[:3, 3] = shift
    else:
        # no orientation: the sizes, centred, the first axis to the left, as nibabel does
        sizes = ([*shape, 1, 1, 1])[:3]
        zooms = [pixdim[axis + 1] if axis < len(shape) else 1.0 for axis in range(3)]
        affine[:3, :3] = np.diag([-zooms[0], zooms[1], zooms[2]])
        affine[:3, 3] = -affine[:3, :3] @ ((np.array(sizes) - 1) / 2.0)
    return affine


def make_header(shape: Sequence[int], dtype: Any, affine: Any, name: str) -> bytes:
    """The header of a file without scaling, up to where its voxels begin; NIfTI-2 where a size needs it.

    Raises
    ------
    clara.Error (a ValueError)
        No NIfTI file can hold such an array.
    """
    np = numpy()
    codes = [code for code, known in DTYPES.items() if np.dtype(known).newbyteorder("<") == dtype.newbyteorder("<")]
    if not codes or not 1 <= len(shape) <= 7:
        raise InvalidValue("{}: a NIfTI file cannot hold {} of shape {}".format(name, dtype, list(shape)))
    matrix = np.diag([1.0, 1.0, 1.0, 1.0]) if affine is None else np.asarray(affine, np.float64)
    if matrix.shape != (4, 4):
        raise InvalidValue("{}: an affine is a 4 x 4 matrix, not one of shape {}".format(name, list(matrix.shape)))
    layout = NIFTI1 if max(shape) < 1 << 15 else NIFTI2
    data = bytearray(layout.size + 4)
    zooms = [float(zoom) for zoom in np.sqrt((matrix[:3, :3] ** 2).sum(axis=0))]
    at, magic = layout.magic
    data[at : at + len(magic)] = magic
    for place, values in (
        ((0, "i"), [layout.size]),
        (layout.dim, [len(shape), *shape, *[1] * (7 - len(shape))]),
        (layout.datatype, [codes[0], dtype.itemsize * 8]),
        (layout.pixdim, [1.0, *zooms, 1.0, 1.0, 1.0, 1.0]),
        (layout.offset, [len(data)]),
        (layout.scaling, [1.0, 0.0]),
        (layout.codes, [0, 0 if affine is None else 2]),
        (layout.rows, matrix[:3].ravel().tolist()),
    ):
        struct.pack_into("<" + place[1], data, place[0], *values)
    units = 2 | 8  # millimetres, seconds
    struct.pack_into("<B" if layout is NIFTI1 else "<i", data, 123 if layout is NIFTI1 else 500, units)
    return bytes(data)
