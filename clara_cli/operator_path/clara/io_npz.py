"""Writing `.npz` files: zip files of `.npy` members that numpy reads, compressed in blocks on all cores.

A member is one ordinary deflate stream. Its blocks do not refer to each other, and the central directory says (in
an extra field, which other programs skip) how long each is, so that they can be unpacked side by side too. The
first block is the header of the `.npy` file, so that the others are the array's memory.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, BinaryIO

from clara.errors import InvalidValue
from clara.io_codec import BLOCK, crc32, deflated
from clara.io_threads import in_order
from clara.io_zip import ZipWriter
from clara.mapping import numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
