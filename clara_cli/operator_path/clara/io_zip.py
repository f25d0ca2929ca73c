"""The zip container, as far as `.npz` files need it; sizes beyond 4 GiB included (APPNOTE.TXT 4.3, 4.5)."""

from __future__ import annotations

import struct
import time
import zipfile
from typing import BinaryIO, List, Sequence

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_FULL, _FULL_COUNT = 0xFFFFFFFF, 0xFFFF
_VERSION, _DEFLATED, _UTF8 = 45, 8, 0x800
_ZIP64 = 1
# An extra field of this program's own: the block size, then how many bytes each block takes in the file.
_BLOCKS = 0x6C63
_EXTRA_LIMIT = 0xFF00


class Member:
    """One file in the archive."""

    def __init__(self, name: str, offset: int) -> None:
        self.name = name.encode()
        self.flags = 0 if name.isascii() else _UTF8
        self.offset = offset
        self.crc = 0
        self.size = self.packed = 0
        self.blocks = b""


class ZipWriter:
    """Writes members one after another; a context manager that ends with the central directory.

    Parameters
    ----------
    file : binary file
        Empty, seekable. The caller writes the members' compressed bytes between `begin` and `end`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._members: List[Member] = []
        year, month, day, hour, minute, second = time.localtime()[:6]
        self._time = (hour << 11 | minute << 5 | second // 2, max(year - 1980, 0) << 9 | month << 5 | day)

    def __enter__(self) -> ZipWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._finish()

    def begin(self, name: str) -> Member:
        """Start a deflated member; `crc` is the caller's to set until `end`."""
        member = Member(name, self._file.tell())
        self._members.append(member)
        self._file.write(self._local(member))
        return member

    def end(self, member: Member, size: int, block: int, sizes: Sequence[int]) -> None:
        """The member is complete.

        Parameters
        ----------
        size : int
            Bytes before compression.
        block : int
            Bytes of each independent block but the first and the last, before compression.
        sizes : sequence of int
            Bytes of each block in the file.
        """
        member.size, member.packed = size, sum(sizes)
        if 4 * (len(sizes) + 2) < _EXTRA_LIMIT:
            member.blocks = struct.pack("<HHI{}I".format(len(sizes)), _BLOCKS, 4 * len(sizes) + 4, block, *sizes)
        end = self._file.tell()
        self._file.seek(member.offset)
        self._file.write(self._local(member))
        self._file.seek(end)

    def _local(self, member: Member) -> bytes:
        extra = struct.pack("<HHQQ", _ZIP64, 16, member.size, member.packed)
        head = (b"PK\x03\x04", _VERSION, member.flags, _DEFLATED, *self._time, member.crc, _FULL, _FULL)
        return _LOCAL.pack(*head, len(member.name), len(extra)) + member.name + extra

    def _central(self, member: Member) -> bytes:
        large = max(member.size, member.packed, member.offset) >= _FULL
        extra = struct.pack("<HHQQQ", _ZIP64, 24, member.size, member.packed, member.offset) if large else b""
        extra += member.blocks
        shown = (_FULL, _FULL) if large else (member.packed, member.size)
        head = (b"PK\x01\x02", _VERSION | 3 << 8, _VERSION, member.flags, _DEFLATED, *self._time, member.crc, *shown)
        tail = (len(member.name), len(extra), 0, 0, 0, 0o600 << 16, _FULL if large else member.offset)
        return _CENTRAL.pack(*head, *tail) + member.name + extra

    def _finish(self) -> None:
        start = self._file.tell()
        for member in self._members:
            self._file.write(self._central(member))
        end = self._file.tell()
        count, size = len(self._members), end - start
        if count >= _FULL_COUNT or start >= _FULL or size >= _FULL:
            self._file.write(
                _END_64.pack(b"PK\x06\x06", _END_64.size - 12, _VERSION, _VERSION, 0, 0, count, count, size, start)
            )
            self._file.write(_LOCATOR.pack(b"PK\x06\x07", 0, end, 1))
        shown = min(count, _FULL_COUNT)
        self._file.write(_END.pack(b"PK\x05\x06", 0, 0, shown, shown, min(size, _FULL), min(start, _FULL), 0))


def block_sizes(info: zipfile.ZipInfo) -> List[int]:
    """The size of a block before compression, then each block's in the file; empty when the archive does not say."""
    extra = info.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _BLOCKS and 4 <= length <= len(extra) - 4 and length % 4 == 0:
            block, *sizes = struct.unpack_from("<{}I".format(length // 4), extra, 4)
            return [block, *sizes] if block and sum(sizes) == info.compress_size else []
        extra = extra[4 + length :]
    return []


def data_offset(file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin.

    Raises
    ------
    zipfile.BadZipFile
        There is no member.
    """
    file.seek(info.header_offset)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("no member at the place of {}".format(info.filename))
    name, extra = _LOCAL.unpack(head)[-2:]
    return int(info.header_offset + _LOCAL.size + name + extra)
