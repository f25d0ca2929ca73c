"""Gzip files: read with the fastest inflater, on all cores where the file says where its parts begin (BGZF)."""

from __future__ import annotations

import gzip
import io
import mmap
import os
import struct
from typing import Any, BinaryIO, Iterable, Iterator

from clara.io_codec import crc32, deflated, optional
from clara.io_threads import in_order

igzip = optional("isal.igzip")

# BGZF (SAM specification, 4.1): members of at most 64 KiB, each with its own size in an extra field `BC`.
_HEADER = struct.Struct("<4sIBBHHHH")
_START = b"\x1f\x8b\x08\x04"
_FIELD = struct.unpack("<H", b"BC")[0]
_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_MEMBER = 0xFF00
_MEMBERS_AT_ONCE = 64


def open_gzip(path: str | os.PathLike[str]) -> Any:
    """A binary stream of what a gzip file holds; damage is told as by the `gzip` module."""
    with open(path, "rb") as file:
        if _member_size(file.read(_HEADER.size)) is None:
            return (igzip or gzip).open(path, "rb")
    return io.BufferedReader(_Joined(in_order(_unpacked, _parts(path))), _MEMBER)


def _unpacked(part: bytes) -> bytes:
    result: bytes = (igzip or gzip).decompress(part)
    return result


def _member_size(header: bytes) -> int | None:
    """Bytes of the BGZF member that begins so; None when it is none."""
    if len(header) < _HEADER.size:
        return None
    start, _, _, _, extra, field, length, size = _HEADER.unpack(header[: _HEADER.size])
    is_member = start == _START and extra == 6 and field == _FIELD and length == 2
    return int(size) + 1 if is_member else None


def _parts(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The file in pieces of whole members; from the first one on that is no BGZF member, all the rest."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        begin = end = members = 0
        while end < len(mapped):
            size = _member_size(mapped[end : end + _HEADER.size])
            end = len(mapped) if size is None else end + size
            members += 1
            if members == _MEMBERS_AT_ONCE:
                yield mapped[begin:end]
                begin, members = end, 0
        if members:
            yield mapped[begin:]


class _Joined(io.RawIOBase):
    """A stream of pieces, one after another."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._pieces.close()  # type: ignore[attr-defined]
        super().close()


def write_bgzf(file: BinaryIO, pieces: Iterable[Any]) -> None:
    """Write bytes as a gzip file whose members can be unpacked side by side."""

    def groups() -> Iterator[memoryview]:
        for piece in pieces:
            view = memoryview(piece)
            step = _MEMBER * _MEMBERS_AT_ONCE
            for start in range(0, len(view), step):
                yield view[start : start + step]

    for packed in in_order(_packed, groups()):
        file.write(packed)
    file.write(_END)


def _packed(group: memoryview) -> bytes:
    members = []
    for start in range(0, len(group), _MEMBER):
        block = group[start : start + _MEMBER]
        data = deflated(block, last=True)
        if len(data) > _MEMBER + 5:
            # What cannot be compressed is stored, so that it fits.
            data = struct.pack("<BHH", 1, len(block), len(block) ^ 0xFFFF) + bytes(block)
        size = _HEADER.size + len(data) + 8
        header = _HEADER.pack(_START, 0, 0, 255, 6, _FIELD, 2, size - 1)
        members += [header, data, struct.pack("<II", crc32(block), len(block))]
    return b"".join(members)
