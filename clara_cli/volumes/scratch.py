"""Unpacking what cannot be read in the middle, onto the disk and never into memory."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from clara_cli.errors import VolumeError

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    from isal import igzip, igzip_lib
except ImportError:  # a processor for which there is no build
    igzip = igzip_lib = None  # type: ignore[assignment]

_DAMAGED: tuple[type[Exception], ...] = (EOFError, OSError, zlib.error)
if igzip_lib is not None:
    _DAMAGED += (cast("type[Exception]", igzip_lib.IsalError),)

_STEP = 1 << 20
# Left free on the disk whatever is unpacked.
_SPARE = 256 << 20


class Stream(Protocol):
    """What can be read once, from its start."""

    def read(self, size: int, /) -> bytes: ...


def gunzip(file: IO[bytes]) -> IO[bytes]:
    """A stream of what a gzip file holds."""
    if igzip is None:
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb"))
    opened: Any = igzip.GzipFile
    return cast("IO[bytes]", opened(fileobj=file, mode="rb"))


@contextmanager
def unpacking(name: str) -> Iterator[None]:
    """Turn what a damaged packed file raises into one message."""
    try:
        yield
    except _DAMAGED as error:
        said = f": {error}" if str(error) else ""
        raise VolumeError(f"{name} is damaged or cut short, it cannot be unpacked{said}") from error


def new_scratch(size: int, name: str) -> IO[bytes]:
    """A file without a name that may grow to `size` bytes; VolumeError where there is no room for them."""
    room = shutil.disk_usage(tempfile.gettempdir()).free - _SPARE
    if size > room:
        raise VolumeError(
            f"{name} is unpacked to {size:,} bytes, the temporary folder {tempfile.gettempdir()} has room for "
            f"{max(room, 0):,}",
            hint="download the file, or start the console with TMPDIR on a larger disk",
        )
    return cast("IO[bytes]", tempfile.TemporaryFile())


def unpack(stream: Stream, size: int, name: str) -> IO[bytes]:
    """The next `size` bytes of a stream as a file that has no name and is gone with its last reader.

    Raises:
        VolumeError: the temporary folder has no room for it, or the stream ends before.
    """
    scratch = new_scratch(size, name)
    try:
        with unpacking(name):
            left = size
            while left:
                part = stream.read(min(left, _STEP))
                if not part:
                    raise VolumeError(f"{name} is cut short: {left:,} of {size:,} bytes are missing")
                scratch.write(part)
                left -= len(part)
            scratch.flush()
    except BaseException:
        scratch.close()
        raise
    return scratch
