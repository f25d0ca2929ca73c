"""Reserving pages of a shared memory segment, so that writing to them later cannot fail."""

from __future__ import annotations

import errno
import os
from typing import Iterator

from clara.errors import Error, OutOfMemory
from clara.huge_pages import populate

_NO_SPACE = (errno.ENOSPC, errno.ENOMEM, errno.EFBIG, errno.EDQUOT)


def reserve(descriptor: int, nbytes: int, name: str) -> None:
    """Give the segment exactly `nbytes` bytes and real pages for all of them.

    A segment of that many bytes without its pages would end a writer with SIGBUS once memory runs out.

    Raises
    ------
    clara.Error (a MemoryError)
        Not enough memory; the segment keeps the size it had.
    """
    before = os.fstat(descriptor)
    free, where = available(descriptor)
    if nbytes - before.st_blocks * 512 > free:
        raise _too_big(name, nbytes, free, where)
    try:
        os.ftruncate(descriptor, nbytes)
        populate(descriptor, nbytes)
        if nbytes:
            os.posix_fallocate(descriptor, 0, nbytes)
    except (OSError, OverflowError) as error:
        os.ftruncate(descriptor, before.st_size)
        if isinstance(error, OverflowError) or error.errno in _NO_SPACE:
            raise _too_big(name, nbytes, *available(descriptor)) from error
        raise Error("{}: cannot reserve {} bytes: {}".format(name, nbytes, error.strerror)) from error


def _too_big(name: str, nbytes: int, free: int, where: str) -> OutOfMemory:
    return OutOfMemory("{}: {} bytes are needed, {} bytes are free ({})".format(name, nbytes, free, where))


def available(descriptor: int) -> tuple[int, str]:
    """Bytes that can still be reserved for this file, and what sets that limit."""
    return min(_limits(descriptor))


def _limits(descriptor: int) -> Iterator[tuple[int, str]]:
    system = os.fstatvfs(descriptor)
    yield system.f_bavail * system.f_frsize, "shared memory"
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024, "memory of this machine"
    for folder in _control_groups():
        free = _group_free(folder)
        if free is not None:
            yield max(free, 0), "memory control group"


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _control_groups() -> Iterator[str]:
    """Folders of this process's memory control group and of those above it, versions 1 and 2."""
    for line in _lines("/proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        elif "memory" in controllers.split(","):
            roots = ["/sys/fs/cgroup/memory"]
        else:
            continue
        parts = [part for part in path.split("/") if part]
        for root in roots:
            for depth in range(len(parts), -1, -1):
                yield os.path.join(root, *parts[:depth])


def _group_free(folder: str) -> int | None:
    for limit_file, usage_file, cache_key in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit = _number(os.path.join(folder, limit_file))
        usage = _number(os.path.join(folder, usage_file))
        if limit is not None and usage is not None:
            # the kernel gives up cached file pages before it refuses memory
            return limit - usage + _statistic(os.path.join(folder, "memory.stat"), cache_key)
    return None


def _number(path: str) -> int | None:
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None


def _statistic(path: str, key: str) -> int:
    for line in _lines(path):
        words = line.split()
        if len(words) == 2 and words[0] == key:
            return int(words[1])
    return 0
