"""What lies in a payload: its files, and what clara does not touch there.

Operators may leave anything behind. A link to a file inside the payload counts as that file. Left out are links that
lead out of it, nowhere, or to a folder, and devices, FIFOs and sockets, which are never opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from clara_cli.filecopy import NotRegular, kind_of, open_regular


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a payload that is no folder.

    Attributes:
        name: its path below the folder that was walked.
        size: in bytes.
        mode: of the file itself, for links of what they lead to.
        fault: why it is left out; None for a file.
    """

    name: str
    size: int
    mode: int
    fault: str | None = None


def walk(top: str | os.PathLike[str], boundary: str | os.PathLike[str] | None = None) -> Iterator[Entry]:
    """All below a folder, in name order, folder by folder; linked folders are not entered.

    Args:
        boundary: the payload's top, out of which no link is followed; by default `top`.

    Raises:
        OSError: a folder cannot be read.
    """
    inside = os.path.realpath(boundary or top)
    todo = [""]
    while todo:
        folder = todo.pop()
        with os.scandir(os.path.join(top, folder)) as found:  # noqa: PTH118
            entries = sorted(found, key=lambda entry: entry.name)
        folders = []
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
            else:
                yield _entry(name, entry, inside)
        todo += reversed(folders)


def _entry(name: str, entry: os.DirEntry[str], inside: str) -> Entry:
    try:
        info = entry.stat()
    except OSError:
        return Entry(name, 0, 0, "it is a link that leads nowhere" if entry.is_symlink() else "it is gone")
    fault = None
    if entry.is_symlink() and not within(os.path.realpath(entry.path), inside):
        fault = "it is a link that leads out of the payload"
    elif not stat.S_ISREG(info.st_mode):
        fault = f"it is {'a link to ' if entry.is_symlink() else ''}{kind_of(info.st_mode)}"
    return Entry(name, info.st_size, info.st_mode, fault)


def open_inside(path: str, boundary: str) -> int:
    """A descriptor for reading a file of a payload, whatever became of it since it was found.

    Args:
        boundary: the payload's top, with no link in it.

    Raises:
        NotRegular: it is no file, or a link that leads out of the payload.
        OSError: as the system says it.
    """
    descriptor = open_regular(path)
    if not within(os.readlink(f"/proc/self/fd/{descriptor}"), boundary):  # noqa: PTH115
        os.close(descriptor)
        raise NotRegular(path, "a link that leads out of the payload")
    return descriptor


def within(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it; both without links."""
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def disk_usage(top: str | os.PathLike[str]) -> int:
    """Bytes on the disk below a folder, what has several names once; what cannot be read counts nothing."""
    total = 0
    seen: set[tuple[int, int]] = set()
    todo = [os.fspath(top)]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                found = [(entry, entry.stat(follow_symlinks=False)) for entry in entries]
        except OSError:
            continue
        for entry, info in found:
            if entry.is_dir(follow_symlinks=False):
                todo.append(entry.path)
            elif info.st_nlink > 1:
                if (info.st_dev, info.st_ino) in seen:
                    continue
                seen.add((info.st_dev, info.st_ino))
            total += info.st_blocks * 512
    return total
