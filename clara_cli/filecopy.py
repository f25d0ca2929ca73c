"""Copying the contents of one file by the cheapest way the file system has: shared blocks, a copy inside the kernel,
or by hand.

Holes of sparse files stay holes. What goes from disk to disk is checked by its size; where a file system takes neither
way of the kernel's, what was written is read back and compared. Only regular files are ever opened.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from clara_cli.filecopy_ways import BY_HAND, NOT_HERE, SMALL, Copied, by_hand, copy_range

AnyPath = str | os.PathLike[str]

# ioctl of Linux: share the blocks of another file (btrfs, xfs and others).
_FICLONE = 0x40049409
# Devices between which no blocks can be shared, as was found.
_SEPARATE: set[tuple[int, int]] = set()


class SourceChanged(OSError):
    """The file was written while it was copied, so the copy may be torn."""

    def __init__(self, path: object = None) -> None:
        super().__init__(errno.EBUSY, "it changed while it was copied", path)


class NotRegular(OSError):
    """A folder, device, FIFO or socket, where a file is needed."""

    def __init__(self, path: object, kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is {kind}", path)
        self.kind = kind


def ignored(_: int) -> None:
    """For who does not care how far a copy is."""


def kind_of(mode: int) -> str:
    """What a file mode says in words, such as `a FIFO`."""
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a folder",
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "no file")


def open_regular(path: AnyPath) -> int:
    """A descriptor for reading a regular file; links are followed, nothing else is opened or waited for.

    Raises:
        NotRegular: it is something else.
        OSError: as the system says it.
    """
    mode = os.stat(path).st_mode  # noqa: PTH116
    if stat.S_ISREG(mode):
        # It may have been replaced since: a FIFO must not block, a terminal not become ours.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            return descriptor
        os.close(descriptor)
    raise NotRegular(path, kind_of(mode))


def copy_file(source: AnyPath, target: AnyPath, copied: Copied = ignored) -> None:
    """Copy contents, permission bits and times; `target` must not exist. Links are followed.

    Raises:
        SourceChanged: `source` was written meanwhile.
        OSError: as the system says it; what was written of `target` is removed.
    """
    reader = open_regular(source)
    try:
        # Read as well: what is copied by hand is compared.
        writer = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            try:
                copy_attributes(copy_contents(reader, writer, copied), writer)
            finally:
                os.close(writer)
        except SourceChanged:
            Path(target).unlink(missing_ok=True)
            raise SourceChanged(source) from None
        except BaseException:
            with contextlib.suppress(OSError):
                Path(target).unlink()
            raise
    finally:
        os.close(reader)


def copy_attributes(info: os.stat_result, writer: int) -> None:
    """Give an open file the permission bits and times of another; its owner can always read and replace it."""
    os.fchmod(writer, info.st_mode & 0o777 | 0o600)
    os.utime(writer, ns=(info.st_atime_ns, info.st_mtime_ns))


def copy_contents(reader: int, writer: int, copied: Copied = ignored, *, go_on: bool = False) -> os.stat_result:
    """Make the contents of an open file those of another.

    Args:
        go_on: `writer` holds the beginning of an earlier copy; what is equal of it stays. Else it is empty.

    Returns:
        what the system says of `reader`'s file.

    Raises:
        SourceChanged: `reader`'s file was written meanwhile.
        OSError: as the system says it.
    """
    before, there = os.fstat(reader), os.fstat(writer)
    size = before.st_size
    if not size:  # empty, or one of those whose size nobody knows, as in /proc
        size = by_hand(reader, writer, 0, None, copied)
        _set_size(writer, there.st_size if go_on else 0, size)
    elif share_blocks(reader, writer, (before.st_dev, there.st_dev)):
        copied(size)
    else:
        start = _equal_beginning(reader, writer, size, copied) if go_on and there.st_size else 0
        _set_size(writer, there.st_size, start)
        done = start
        disks = all(os.major(info.st_dev) for info in (before, there))
        whole = size <= SMALL and before.st_blocks * 512 >= size
        for begin, end in [(start, size)] if whole else _data(reader, start, size):
            copied(begin - done)  # a hole
            done = copy_range(reader, writer, begin, end, copied, disks)
            if done < end:
                raise SourceChanged
        copied(size - done)
        _set_size(writer, done, size)
    after, made = os.fstat(reader), os.fstat(writer)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise SourceChanged
    if made.st_size != size:
        raise OSError(errno.EIO, f"the copy has {made.st_size} bytes instead of {size}")
    return after


def _set_size(descriptor: int, known: int, size: int) -> None:
    # A truncation, even to the same size, makes ext4 write the file to the disk when it is closed.
    if known != size:
        os.ftruncate(descriptor, size)


def share_blocks(reader: int, writer: int, devices: tuple[int, int] | None = None) -> bool:
    """Whether the two files share their blocks now, which takes no time and no space.

    Args:
        devices: of the two files. Where they cannot share anything it is not tried for each file.

    Raises:
        OSError: not because that cannot be here, but because of a full disk, say.
    """
    if devices in _SEPARATE:
        return False
    try:
        fcntl.ioctl(writer, _FICLONE, reader)
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise
        if devices and error.errno in (errno.EXDEV, errno.EOPNOTSUPP, errno.ENOTTY, errno.ENOSYS):
            _SEPARATE.add(devices)
        return False
    return True


def _data(descriptor: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a file from `start` to `end` that are no holes."""
    while start < end:
        try:
            begin = os.lseek(descriptor, start, os.SEEK_DATA)
            stop = os.lseek(descriptor, begin, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            begin, stop = start, end  # a file system that does not know
        if begin >= end:
            return
        yield begin, min(stop, end)
        start = stop


def _equal_beginning(reader: int, writer: int, size: int, copied: Copied) -> int:
    """How many bytes of an earlier, unfinished copy are the same; they are compared, not believed."""
    have = min(os.fstat(writer).st_size, size)
    done = 0
    for begin, end in _data(reader, 0, have):
        if next(_data(writer, done, begin), None):  # data where the source has a hole
            return done
        copied(begin - done)
        done = begin
        while done < end:
            count = min(BY_HAND, end - done)
            if os.pread(reader, count, done) != os.pread(writer, count, done):
                return done
            done += count
            copied(count)
    return done
