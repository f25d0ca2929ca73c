"""Arrays in `.npz` files: unpacked on all cores where the file says where its blocks begin (`io_npz`)."""

from __future__ import annotations

import mmap
import os
import tokenize
import zipfile
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Callable, Iterator, Sequence, Tuple, Type

from clara.errors import InvalidValue, WrongType
from clara.io_codec import DAMAGED, MOST, Inflating, crc32
from clara.io_npz import memory_of
from clara.io_threads import cores, fill, in_order
from clara.io_zip import block_sizes, data_offset
from clara.mapping import numpy
from clara.shapes import element_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNREADABLE: Tuple[Type[Exception], ...] = (
    zipfile.BadZipFile,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,  # numpy reads the header of an array as Python
    tokenize.TokenError,
    *DAMAGED,
)
# Bytes of a piece of an array whose blocks cannot be told apart.
_PIECE = 1 << 20


def open_npz(path: str | os.PathLike[str]) -> dict[str, NpzArray]:
    name = os.fspath(path)
    with _told(name), zipfile.ZipFile(name) as archive:
        return {info.filename[:-4]: NpzArray(name, info) for info in archive.infolist() if _is_array(info)}


def read_npz(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    return {name: array.read() for name, array in open_npz(path).items()}


def _is_array(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith(".npy")


@contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except InvalidValue:
        raise
    except _UNREADABLE as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise InvalidValue("{} is no readable .npz file: {}".format(path, text)) from error


class NpzArray:
    """An array of an `.npz` file of which the header was read.

    Attributes
    ----------
    shape, dtype : tuple of int, numpy.dtype
        As in the file.
    fortran_order : bool
        How the elements lie in the file, and in what `read` makes: whether the first index changes fastest.
    """

    def __init__(self, path: str, info: zipfile.ZipInfo) -> None:
        self._path, self._info = path, info
        if info.header_offset < 0:  # what a damaged directory says
            raise zipfile.BadZipFile("no member at the place of {}".format(info.filename))
        self._deflated = info.compress_type == zipfile.ZIP_DEFLATED and not info.flag_bits & 1
        header = _header(Inflating(self._packed())) if self._deflated else None
        # What numpy alone understands is read by it, at once.
        self._known = None if header else self._by_numpy()
        if header:
            self.shape, self.fortran_order, self.dtype = header
        elif self._known is not None:
            array = self._known
            self.shape, self.dtype = array.shape, array.dtype
            self.fortran_order = array.flags.f_contiguous and not array.flags.c_contiguous
        self._nbytes = element_count(self.shape) * self.dtype.itemsize
        # Looked at before memory is asked for: a header may say anything.
        possible = min(info.file_size, info.compress_size * MOST) if self._deflated else info.file_size
        if min(self.shape, default=0) < 0 or self._nbytes > possible:
            raise ValueError("{} is shorter than it says".format(info.filename))

    def read(self, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """The elements.

        Parameters
        ----------
        out : numpy.ndarray, optional
            Filled and returned, such as the array of a FastIO variable: of this shape, any memory order and any
            dtype that the values may be stored as (numpy's `same_kind`). If it has the file's dtype and order, the
            file is unpacked straight into it.

        Raises
        ------
        clara.Error
            A ValueError: the file is damaged or cut off, or `out` has another shape. A TypeError: `out` has a
            dtype that cannot take the values.
        """
        np = numpy()
        if out is None:
            if self._known is not None:
                return self._known
            out = np.empty(self.shape, self.dtype, order="F" if self.fortran_order else "C")
        name = os.path.basename(self._path)
        if out.shape != self.shape:
            raise InvalidValue("{}: its shape is {}, out has {}".format(name, list(self.shape), list(out.shape)))
        if not np.can_cast(self.dtype, out.dtype, "same_kind"):
            raise WrongType("{}: {} cannot be stored as {}".format(name, self.dtype, out.dtype))
        fits = out.flags.f_contiguous if self.fortran_order else out.flags.c_contiguous
        if self._known is None and out.dtype == self.dtype and fits:
            memory = memory_of(out)
            with _told(self._path):
                for _ in self._unpacked(lambda number, step: memory[number * step : (number + 1) * step]):
                    pass
        else:
            np.copyto(out, self.read(), casting="same_kind")
        return out

    def pieces(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """The elements piece by piece, so that the whole array need not be in memory.

        Yields
        ------
        tuple of int and numpy.ndarray
            How many elements come before, and the next ones in the order of the file, one-dimensional. They are
            overwritten when the piece after is asked for.

        Raises
        ------
        clara.Error (a ValueError)
            The file is damaged or cut off; what was yielded before may be damaged too.
        """
        np = numpy()
        itemsize = self.dtype.itemsize
        if self._known is not None or not itemsize or self._step() % itemsize:
            yield 0, self.read().ravel("K")
            return
        buffers = [np.empty(min(self._step(), self._nbytes), np.uint8) for _ in range(cores() + 1)]

        def target(number: int, step: int) -> memoryview:
            return memoryview(buffers[number % len(buffers)])[: self._nbytes - number * step]

        done = 0
        with _told(self._path):
            for memory in self._unpacked(target):
                piece: NDArray[Any] = np.frombuffer(memory, self.dtype)
                yield done, piece
                done += len(piece)

    def _step(self) -> int:
        """Bytes that are unpacked at once."""
        block = block_sizes(self._info)[:1]
        return block[0] if block else _PIECE

    def _unpacked(self, target: Callable[[int, int], memoryview]) -> Iterator[memoryview]:
        """Unpack into what `target` gives for a number and the usual length; yields it when it is full, in order."""
        packed, step = self._packed(), self._step()
        stream = Inflating(packed)
        _header(stream)
        crc = stream.crc
        sizes = block_sizes(self._info)[1:]
        count = -(-self._nbytes // step)
        if count > 1 and count == len(sizes) - 1:
            for memory in _side_by_side(packed, sizes, step, target):
                crc = crc32(memory, crc)
                yield memory
        else:
            yield from in_order(lambda number: _filled(stream, target(number, step)), range(count), threads=1)
            if stream.read(1):
                raise ValueError("{} is longer than it says".format(self._info.filename))
            crc = stream.crc
        if crc != self._info.CRC:
            raise zipfile.BadZipFile("bad CRC-32 of {}".format(self._info.filename))

    def _packed(self) -> memoryview:
        with open(self._path, "rb") as file:
            start = data_offset(file, self._info)
            mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return mapped[start : start + self._info.compress_size]

    def _by_numpy(self) -> NDArray[Any]:
        with zipfile.ZipFile(self._path) as archive, archive.open(self._info) as stream:
            array: NDArray[Any] = numpy().lib.format.read_array(stream, allow_pickle=False)
        return array


def _header(stream: Any) -> tuple[tuple[int, ...], bool, Any] | None:
    """Shape, whether in Fortran order, and dtype; None when it is of a kind to be left to numpy."""
    form = numpy().lib.format
    readers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    version = form.read_magic(stream)
    if version not in readers:
        return None
    shape, fortran, dtype = readers[version](stream)
    return None if dtype.hasobject else (shape, fortran, dtype)


def _side_by_side(
    packed: memoryview, sizes: Sequence[int], step: int, target: Callable[[int, int], memoryview]
) -> Iterator[memoryview]:
    """Unpack all blocks but the first, which is the header, on all cores."""
    ends = list(accumulate(sizes))

    def unpack(number: int) -> memoryview:
        return _filled(Inflating(packed[ends[number] : ends[number + 1]]), target(number, step))

    return in_order(unpack, range(len(ends) - 1))


def _filled(stream: Inflating, memory: memoryview) -> memoryview:
    if fill(stream, memory) != len(memory):
        raise ValueError("it is shorter than it says")
    return memory
