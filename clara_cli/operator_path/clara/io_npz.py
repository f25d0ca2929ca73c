"""`.npz` files: zip files of `.npy` members that numpy reads and writes, compressed in blocks on all cores.

A member is one ordinary deflate stream. Its blocks do not refer to each other, and the central directory says (in
an extra field, which other programs skip) how long each is, so that they can be unpacked side by side too. The
first block is the header of the `.npy` file, so that the others are the array's memory.
"""

from __future__ import annotations

import io
import mmap
import os
import zipfile
from itertools import accumulate
from typing import TYPE_CHECKING, Any, BinaryIO, Sequence, Tuple, Type

from clara.errors import InvalidValue
from clara.io_codec import BLOCK, DAMAGED, Inflating, crc32, deflated
from clara.io_threads import fill, in_order
from clara.io_zip import ZipWriter, block_sizes, data_offset
from clara.mapping import numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNREADABLE: Tuple[Type[Exception], ...] = (
    zipfile.BadZipFile,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    *DAMAGED,
)


def write_npz(path: str | os.PathLike[str], arrays: dict[str, Any]) -> None:
    np = numpy()
    values = {name: np.asanyarray(array) for name, array in arrays.items()}
    for name, array in values.items():
        if array.dtype.hasobject:
            raise InvalidValue("{}: arrays of objects cannot be written into {}".format(name, os.fspath(path)))
    aside = "{}.{}.part".format(os.fspath(path), os.getpid())
    try:
        with open(aside, "wb") as file, ZipWriter(file) as archive:
            for name, array in values.items():
                _write(archive, file, name + ".npy", array)
        os.replace(aside, path)
    except BaseException:
        if os.path.exists(aside):
            os.unlink(aside)
        raise


def _write(archive: ZipWriter, file: BinaryIO, name: str, array: NDArray[Any]) -> None:
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        array = array.copy(order="C")
    memory = memory_of(array)
    blocks = [memoryview(_header(array))]
    blocks += [memory[start : start + BLOCK] for start in range(0, len(memory), BLOCK)]
    member = archive.begin(name)
    sizes = []
    packed = in_order(lambda number: deflated(blocks[number], number == len(blocks) - 1), range(len(blocks)))
    for block, data in zip(blocks, packed):
        member.crc = crc32(block, member.crc)
        file.write(data)
        sizes.append(len(data))
    archive.end(member, sum(map(len, blocks)), BLOCK, sizes)


def _header(array: NDArray[Any]) -> bytes:
    """What stands before the elements in a `.npy` file."""
    form = numpy().lib.format
    header = io.BytesIO()
    try:
        form.write_array_header_1_0(header, form.header_data_from_array_1_0(array))
    except ValueError:  # too long for it, or names that it cannot hold: numpy knows how
        whole = io.BytesIO()
        form.write_array(whole, array, allow_pickle=False)
        return whole.getvalue()[: whole.tell() - array.nbytes]
    return header.getvalue()


def memory_of(array: NDArray[Any]) -> memoryview:
    """The bytes of a contiguous array, without a copy, in the order in which they lie in memory."""
    if not array.nbytes:
        return memoryview(b"")
    ordered = array if array.flags.c_contiguous else array.T
    return memoryview(ordered.reshape(-1).view(numpy().uint8))


def read_npz(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename.endswith(".npy"):
                    arrays[info.filename[:-4]] = _read(archive, info, os.fspath(path))
    except _UNREADABLE as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise InvalidValue("{} is no readable .npz file: {}".format(os.fspath(path), text)) from error
    return arrays


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str) -> NDArray[Any]:
    form = numpy().lib.format
    array = None
    if info.compress_type == zipfile.ZIP_DEFLATED and not info.flag_bits & 1:
        with open(path, "rb") as file:
            start = data_offset(file, info)
            mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        array = _inflated(mapped[start : start + info.compress_size], info)
    if array is None:
        with archive.open(info) as stream:
            array = form.read_array(stream, allow_pickle=False)
    return array


def _inflated(packed: memoryview, info: zipfile.ZipInfo) -> NDArray[Any] | None:
    """The array of a deflated member; None when its header is of a kind to be left to numpy."""
    stream = Inflating(packed)
    array = _described(stream, info)
    if array is None:
        return None
    memory = memory_of(array)
    block, *sizes = block_sizes(info) or [1]
    if len(memory) > block and -(-len(memory) // block) == len(sizes) - 1:
        crc = _side_by_side(packed, sizes, memory, block, stream.crc)
    else:
        if fill(stream, memory) != len(memory) or stream.read(1):
            raise ValueError("{} has another length than it says".format(info.filename))
        crc = stream.crc
    if crc != info.CRC:
        raise zipfile.BadZipFile("bad CRC-32 of {}".format(info.filename))
    return array


def _described(stream: Inflating, info: zipfile.ZipInfo) -> NDArray[Any] | None:
    """An array as the header says, with nothing in it yet."""
    np = numpy()
    form = np.lib.format
    version = form.read_magic(stream)
    readers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    if version not in readers:
        return None
    shape, fortran, dtype = readers[version](stream)
    if dtype.hasobject:
        return None
    count = dtype.itemsize
    for size in shape:
        count *= size
    if count > info.file_size:
        raise ValueError("{} is shorter than it says".format(info.filename))
    array: NDArray[Any] = np.empty(shape, dtype, order="F" if fortran else "C")
    return array


def _side_by_side(packed: memoryview, sizes: Sequence[int], memory: memoryview, block: int, crc: int) -> int:
    """Unpack the blocks after the first on all cores; returns the CRC-32 of all."""
    ends = list(accumulate(sizes))

    def unpack(number: int) -> memoryview:
        target = memory[(number - 1) * block : number * block]
        if fill(Inflating(packed[ends[number - 1] : ends[number]]), target) != len(target):
            raise ValueError("block {} is shorter than it says".format(number))
        return target

    for target in in_order(unpack, range(1, len(sizes))):
        crc = crc32(target, crc)
    return crc
