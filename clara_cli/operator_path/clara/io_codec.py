"""Deflate by the fastest means that this interpreter has: isal and zlib-ng where they are installed, else zlib."""

from __future__ import annotations

import io
import zlib
from importlib import import_module
from typing import Any, Callable, Tuple, Type


def optional(name: str) -> Any:
    """A module that need not be installed; None if it is not."""
    try:
        return import_module(name)
    except ImportError:
        return None


isal_zlib = optional("isal.isal_zlib")
zlib_ng = optional("zlib_ng.zlib_ng")

# Bytes that are compressed at once: large enough to cost no space, small enough to share out among threads.
BLOCK = 8 << 20
# Deflate makes nothing smaller than by this factor.
MOST = 1032
RAW = -zlib.MAX_WBITS
# Bytes that are taken in and handed out at once when inflating: they stay in the processor's cache.
_READ, _PIECE = 256 << 10, 1 << 20
# isal is three times as fast as zlib-ng; where its result is larger than this, zlib-ng is taken for the block.
_WORTH = 1.055
_SAMPLES = 4
_SAMPLE = 64 << 10

# What a damaged stream raises.
DAMAGED: Tuple[Type[Exception], ...] = (zlib.error,) if isal_zlib is None else (zlib.error, isal_zlib.error)

crc32: Callable[..., int] = zlib.crc32 if isal_zlib is None else isal_zlib.crc32


class Inflating(io.RawIOBase):
    """What a raw deflate stream holds, as a binary stream.

    `crc` is the CRC-32 of all that was read so far. Reading raises EOFError where the stream is cut off, and one of
    `DAMAGED` where it is damaged.
    """

    def __init__(self, packed: memoryview) -> None:
        self._packed, self._place = packed, 0
        self._inflater: Any = (isal_zlib or zlib).decompressobj(RAW)
        self.crc = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer)
        while target and not self._inflater.eof:
            data = self._inflater.unconsumed_tail or self._next()
            piece = self._inflater.decompress(data, min(len(target), _PIECE))
            if piece:
                target[: len(piece)] = piece
                self.crc = crc32(piece, self.crc)
                return len(piece)
            if not data:
                raise EOFError("the compressed data is cut off")
        return 0

    def _next(self) -> memoryview:
        data = self._packed[self._place : self._place + _READ]
        self._place += len(data)
        return data


def deflated(block: Any, last: bool) -> bytes:
    """A block of bytes as a part of a deflate stream, independent of what was before it.

    Parameters
    ----------
    block : bytes-like
        Contiguous, of single bytes.
    last : bool
        Whether the stream ends with it.
    """
    packer = _packer(memoryview(block))
    return b"".join((packer.compress(block), packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)))


def _packer(block: memoryview) -> Any:
    if isal_zlib is None and zlib_ng is None:
        # Nearly as small as level 6 on scans, in a fifth of its time.
        return zlib.compressobj(4, zlib.DEFLATED, RAW)
    if zlib_ng is None or (isal_zlib is not None and _isal_is_worth_it(block)):
        return isal_zlib.compressobj(2, zlib.DEFLATED, RAW)
    return zlib_ng.compressobj(3, zlib.DEFLATED, RAW)


def _isal_is_worth_it(block: memoryview) -> bool:
    step = len(block) // _SAMPLES
    sample = b"".join(block[start * step : start * step + _SAMPLE] for start in range(_SAMPLES))
    small = len(zlib_ng.compress(sample, 3))
    return len(isal_zlib.compress(sample, 2)) <= small * _WORTH
