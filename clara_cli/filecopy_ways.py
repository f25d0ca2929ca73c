"""The ways of copying a part of one open file into another."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

# Told the number of bytes after each step.
Copied = Callable[[int], None]

# Bytes in one call to the kernel: long enough to cost nothing, short enough for a progress bar.
_STEP = 1 << 24
# From disk to disk: it stays in the processor's cache, and pages of this size are always to be had; as `cp` does it.
_PIECE = 1 << 17
BY_HAND = 1 << 20
# Up to this size it costs less to copy what may be a hole than to ask.
SMALL = 1 << 20
# What the system says of a way that does not lead there.
NOT_HERE = (
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.ENOTTY,
    errno.EBADF,
)


def copy_range(reader: int, writer: int, begin: int, end: int, copied: Copied, disks: bool) -> int:
    """Copy a part of a file; returns where it ended, which is before `end` if the file is shorter than it was.

    Args:
        disks: both are on disks of this machine, so that no server can copy for us.
    """
    ways = (_through_cache,) if disks and end - begin > SMALL else (_inside_kernel, _sent_by_kernel)
    for way in ways:
        begin = way(reader, writer, begin, end, copied)
        if begin == end:
            return end
    return by_hand(reader, writer, begin, end, copied)


def _through_cache(reader: int, writer: int, begin: int, end: int, copied: Copied) -> int:
    """A fifth faster than the kernel, which copies page by page."""
    buffer = memoryview(bytearray(_PIECE))
    told = begin
    while begin < end:
        count = os.preadv(reader, [buffer[: min(_PIECE, end - begin)]], begin)
        if not count:
            break
        written = 0
        while written < count:
            written += os.pwrite(writer, buffer[written:count], begin + written)
        begin += count
        if begin - told >= _STEP:
            copied(begin - told)
            told = begin
    copied(begin - told)
    return begin


def _inside_kernel(reader: int, writer: int, begin: int, end: int, copied: Copied) -> int:
    return _in_steps(lambda count, at: os.copy_file_range(reader, writer, count, at, at), begin, end, copied)


def _sent_by_kernel(reader: int, writer: int, begin: int, end: int, copied: Copied) -> int:
    os.lseek(writer, begin, os.SEEK_SET)
    return _in_steps(lambda count, at: os.sendfile(writer, reader, at, count), begin, end, copied)


def _in_steps(copy: Callable[[int, int], int], begin: int, end: int, copied: Copied) -> int:
    """Have the kernel copy so many bytes from a place on, again and again; where it refuses, that far is it."""
    try:
        while begin < end:
            count = copy(min(_STEP, end - begin), begin)
            if not count:
                break
            begin += count
            copied(count)
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise
    return begin


def by_hand(reader: int, writer: int, begin: int, end: int | None, copied: Copied) -> int:
    """The last way; None copies all there is. Each piece is read back."""
    os.lseek(reader, begin, os.SEEK_SET)
    while end is None or begin < end:
        piece = os.read(reader, BY_HAND if end is None else min(BY_HAND, end - begin))
        if not piece:
            break
        view = memoryview(piece)
        while view:
            view = view[os.pwrite(writer, view, begin + len(piece) - len(view)) :]
        if os.pread(writer, len(piece), begin) != piece:
            raise OSError(errno.EIO, "what was written reads back differently")
        begin += len(piece)
        copied(len(piece))
    return begin
