"""Voxels of NIfTI files: unpacked on one thread while the piece before is scaled and put in place on another."""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING, Any, Iterator, List, Tuple, Type

from clara.errors import InvalidValue, WrongType
from clara.io_codec import BLOCK, DAMAGED, MOST
from clara.io_gzip import open_gzip, write_bgzf
from clara.io_nifti_header import Header, make_header, parse_header
from clara.io_npz import memory_of
from clara.io_threads import fill, in_order
from clara.mapping import numpy
from clara.shapes import element_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNREADABLE: Tuple[Type[Exception], ...] = (EOFError, OSError, *DAMAGED)
_HEADER = 540
_SKIP = 1 << 20
# Slices that are put in place together: of float32 they fill one line of the processor's cache.
_SLICES = 16


class NiftiVolume:
    """A NIfTI file of which the header was read; `shape`, `dtype`, `slope`, `inter`, `affine` as in `Header`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._name = os.path.basename(self._path)
        with open(self._path, "rb") as file:
            self._packed = file.read(2) == b"\x1f\x8b"
        with self._open() as stream:
            data = bytearray(_HEADER)
            count = self._fill(stream, memoryview(data))
        self.header: Header = parse_header(bytes(data[:count]), self._name)
        self.shape, self.dtype, _, self.slope, self.inter, self.affine = self.header
        # Looked at before anybody asks for memory: a header may say anything.
        needed = self.header.offset + element_count(self.shape) * self.dtype.itemsize
        size = os.stat(self._path).st_size
        if needed > (size * MOST if self._packed else size):
            raise InvalidValue("{} is cut off: it cannot hold {} bytes".format(self._name, needed))

    def read(self, out: NDArray[Any] | None = None, scaled: bool = True) -> NDArray[Any]:
        """The voxels, `slope * stored + inter` in float64; as stored where the file does not scale.

        Parameters
        ----------
        out : numpy.ndarray, optional
            Filled and returned: of the volume's shape, any memory order and any dtype that the values may be
            stored as (numpy's `same_kind`). With stored numbers of the same dtype and Fortran order, the file is
            unpacked straight into it. Without it a new array in the file's order (Fortran) and dtype is made,
            float64 if scaled.
        scaled : bool
            False gives the stored numbers.

        Raises
        ------
        clara.Error
            A ValueError: the file is damaged or cut off, or `out` has another shape. A TypeError: `out` has a
            dtype that cannot take the values.
        """
        np = numpy()
        scaling = scaled and self.header.is_scaled
        dtype = np.result_type(self.dtype, np.float64) if scaling else self.dtype
        if out is None:
            out = np.empty(self.shape, dtype, order="F")
        if out.shape != self.shape:
            raise InvalidValue("{}: its shape is {}, out has {}".format(self._name, list(self.shape), list(out.shape)))
        if not np.can_cast(dtype, out.dtype, "same_kind"):
            raise WrongType("{}: {} cannot be stored as {}".format(self._name, dtype, out.dtype))
        with self._open() as stream:
            self._skip(stream, self.header.offset)
            if not scaling and out.dtype == self.dtype and out.flags.f_contiguous:
                self._need(stream, memory_of(out))
            else:
                self._convert(stream, out, scaling)
            if self._packed:
                self._fill(stream, memoryview(bytearray(1)))  # the check sum stands behind the last voxel
        return out

    def _convert(self, stream: Any, out: NDArray[Any], scaling: bool) -> None:
        while out.ndim < 3:
            out = out[..., None]
        # stored integers of 64 bits pass through float64 as scaled ones do
        through = scaling or (self.dtype.kind in "iu" and self.dtype.itemsize == 8 and out.dtype.kind == "f")
        with numpy().errstate(over="ignore", invalid="ignore"):
            for target, stored in self._pieces(stream, out):
                values = stored.astype(numpy().float64) if through and not scaling else stored
                if scaling:
                    values = _scaled(stored, self.slope, self.inter)
                _place(target, values)

    def _pieces(self, stream: Any, out: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Parts of `out` and the stored numbers that belong there, read ahead."""
        np = numpy()
        plane = out.shape[0] * out.shape[1]
        buffers = [np.empty(plane * _SLICES, self.dtype) for _ in range(3)]

        def targets() -> Iterator[NDArray[Any]]:
            for index in product(*map(range, reversed(out.shape[3:]))):
                volume = out[(Ellipsis,) + tuple(reversed(index))]  # noqa: RUF005 - older Pythons
                for start in range(0, volume.shape[2], _SLICES):
                    yield volume[:, :, start : start + _SLICES]

        def read(item: tuple[int, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
            number, target = item
            stored = buffers[number % 3][: target.size]
            self._need(stream, memory_of(stored))
            return target, stored.reshape(target.shape, order="F")

        return in_order(read, enumerate(targets()), threads=1)

    def _open(self) -> Any:
        return open_gzip(self._path) if self._packed else open(self._path, "rb", buffering=0)

    def _skip(self, stream: Any, count: int) -> None:
        while count > 0:
            part = min(count, _SKIP)
            self._need(stream, memoryview(bytearray(part)))
            count -= part

    def _need(self, stream: Any, memory: memoryview) -> None:
        count = self._fill(stream, memory)
        if count < len(memory):
            raise InvalidValue("{} is cut off: {} bytes of voxels are missing".format(self._name, len(memory) - count))

    def _fill(self, stream: Any, memory: memoryview) -> int:
        try:
            return fill(stream, memory)
        except _UNREADABLE as error:
            raise InvalidValue("{} is damaged or cut off: {}".format(self._name, error)) from error


def _scaled(stored: NDArray[Any], slope: float, inter: float) -> NDArray[Any]:
    np = numpy()
    values = stored.astype(np.result_type(stored.dtype, np.float64))
    if slope != 1.0:
        values *= slope
    if inter != 0.0:
        values += inter
    return values


def _place(target: NDArray[Any], values: NDArray[Any]) -> None:
    """Store values that lie in Fortran order."""
    if target.strides[0] <= target.strides[2]:
        target[...] = values
        return
    values = values.astype(target.dtype, copy=False)
    for row in range(target.shape[1]):  # of each, as much as the processor's cache holds
        target[:, row] = values[:, row]


def write_nifti(path: str | os.PathLike[str], array: Any, affine: Any = None) -> None:
    np = numpy()
    array = np.asarray(array)
    name = os.fspath(path)
    if array.dtype.byteorder == ">" or (array.dtype.kind == "b"):
        array = array.astype(np.uint8 if array.dtype.kind == "b" else array.dtype.newbyteorder("<"))
    header = make_header(array.shape, array.dtype, affine, name)
    memory = memory_of(np.asfortranarray(array))
    pieces: List[Any] = [header, *(memory[start : start + BLOCK] for start in range(0, len(memory), BLOCK))]
    aside = "{}.{}.part".format(name, os.getpid())
    try:
        with open(aside, "wb") as file:
            if name.lower().endswith(".gz"):
                write_bgzf(file, pieces)
            else:
                file.writelines(pieces)
        os.replace(aside, name)
    except BaseException:
        if os.path.exists(aside):
            os.unlink(aside)
        raise
