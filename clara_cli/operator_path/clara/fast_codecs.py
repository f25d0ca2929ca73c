"""Puts the codecs of `clara.io` under Python's own `gzip` and `zipfile`, for programs that cannot be changed.

Used where `--fast-io` is given. What is read is the same, and damage raises the same exceptions; what is written
has other bytes that unpack to the same. Nothing is changed in a Python without isal.
"""

from __future__ import annotations

import io
import zlib
from typing import Any, Callable

from clara.io_codec import crc32, isal_zlib
from clara.io_deflater import Deflater

_READ = 512 << 10


def install() -> bool:
    """Change `gzip` and `zipfile` in this process; returns whether it could be done."""
    if not hasattr(isal_zlib, "_GzipReader"):
        return False
    import gzip
    import zipfile

    _change_gzip(gzip)
    if hasattr(zipfile, "_get_compressor") and hasattr(zipfile, "_get_decompressor"):
        _change_zipfile(zipfile)
    return True


def _change_gzip(gzip: Any) -> None:
    begin = gzip.GzipFile.__init__

    def __init__(
        self: Any, filename: Any = None, mode: Any = None, compresslevel: int = 9, *more: Any, **named: Any
    ) -> None:
        begin(self, filename, mode, compresslevel, *more, **named)
        if self.mode == gzip.READ:
            self._buffer = io.BufferedReader(_Reader(self.fileobj, gzip._GzipReader), _READ)
        elif compresslevel != 0:
            self.compress = Deflater()

    __init__.__doc__ = begin.__doc__
    gzip.GzipFile.__init__ = __init__


def _change_zipfile(zipfile: Any) -> None:
    packer, unpacker = zipfile._get_compressor, zipfile._get_decompressor

    def get_compressor(kind: int, level: Any = None, *more: Any) -> Any:
        return Deflater() if kind == zipfile.ZIP_DEFLATED and level != 0 else packer(kind, level, *more)

    def get_decompressor(kind: int, *more: Any) -> Any:
        return _Unpacker() if kind == zipfile.ZIP_DEFLATED else unpacker(kind, *more)

    zipfile._get_compressor, zipfile._get_decompressor, zipfile.crc32 = get_compressor, get_decompressor, crc32


def _as_zlib(error: Exception) -> zlib.error:
    return zlib.error("Error -3 while decompressing data: {}".format(error))


class _Reader(io.RawIOBase):
    """The reader of isal for gzip files; where it finds damage, Python's own goes on and says what it is."""

    def __init__(self, file: Any, slow: Any) -> None:
        self._file, self._slow = file, slow
        self._begin = file.tell() if _can_seek(file) else None
        self._place = 0
        self._reader: Any = isal_zlib._GzipReader(file, _READ)

    @property
    def _last_mtime(self) -> Any:
        return self._reader._last_mtime

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._reader.seekable())

    def readinto(self, buffer: Any) -> int:
        count = int(self._tried(lambda reader: reader.readinto(buffer)))
        self._place += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = int(self._tried(lambda reader: reader.seek(offset, whence)))
        return self._place

    def tell(self) -> int:
        return self._place

    def close(self) -> None:
        self._reader.close()
        super().close()

    def _tried(self, call: Callable[[Any], Any]) -> Any:
        try:
            return call(self._reader)
        except (EOFError, OSError, isal_zlib.error) as error:
            if self._begin is None or isinstance(self._reader, self._slow):
                raise _as_zlib(error) if isinstance(error, isal_zlib.error) else error from None
        self._file.seek(self._begin)
        self._reader = self._slow(self._file)
        self._reader.seek(self._place)
        return call(self._reader)


def _can_seek(file: Any) -> bool:
    return bool(getattr(file, "seekable", lambda: False)())


class _Unpacker:
    """The inflating object of isal for zip members, with the exceptions of zlib's."""

    def __init__(self) -> None:
        self._inner = isal_zlib.decompressobj(-zlib.MAX_WBITS)

    def decompress(self, data: Any, length: int = 0) -> bytes:
        try:
            return bytes(self._inner.decompress(data, length))
        except isal_zlib.error as error:
            raise _as_zlib(error) from None

    def flush(self) -> bytes:
        try:
            return bytes(self._inner.flush())
        except isal_zlib.error as error:
            raise _as_zlib(error) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
