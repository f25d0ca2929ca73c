"""Copying one file so that it appears whole or not at all, by the cheapest way the file system has."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from pathlib import Path

# ioctl of Linux: share the blocks of another file (btrfs, xfs and others).
_FICLONE = 0x40049409
_CHUNK = 1 << 27
_NOT_HERE = (
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.ENOTTY,
    errno.EBADF,
)


def copy_file(source: Path, target: Path) -> None:
    """Copy contents, permission bits and times; `target` must not exist.

    Links are followed. Holes of sparse files are not kept by the last of the three ways.

    Raises:
        OSError: as the system says it; what was written of `target` is removed.
    """
    with source.open("rb") as reader:
        try:
            with target.open("xb") as writer:
                _copy_contents(reader.fileno(), writer.fileno())
            shutil.copystat(source, target)
            # A file that its owner could not read or replace again would be lost to clara.
            target.chmod(target.stat().st_mode & 0o777 | 0o600)
        except FileExistsError:
            raise
        except BaseException:
            with contextlib.suppress(OSError):
                target.unlink()
            raise


def replace_file(source: Path, target: Path) -> None:
    """Copy beside `target` and rename over it: whoever looks sees the old file or the whole new one."""
    # A name of its own: the target's may be as long as a name can be.
    beside = target.with_name(f".clara-{os.getpid()}-{os.urandom(6).hex()}.part")
    copy_file(source, beside)
    try:
        beside.replace(target)
    except BaseException:
        beside.unlink()
        raise


def _copy_contents(reader: int, writer: int) -> None:
    try:
        fcntl.ioctl(writer, _FICLONE, reader)
        return
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
    try:
        while os.copy_file_range(reader, writer, _CHUNK):
            pass
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
    else:
        if os.lseek(reader, 0, os.SEEK_CUR) or not os.fstat(reader).st_size:
            return
    # Whatever the kernel did not copy: another file system, or one whose files have no size.
    os.lseek(reader, 0, os.SEEK_SET)
    os.ftruncate(writer, 0)
    os.lseek(writer, 0, os.SEEK_SET)
    while chunk := os.read(reader, 1 << 20):
        view = memoryview(chunk)
        while view:
            view = view[os.write(writer, view) :]
