"""Sharing the files of one payload with another: by reflinks, else hard links, else copies.

A reflink is a copy that takes no time and no space. A hard link is the same file under a second name, so its write
bits are removed under both: a program that wants another content has to write another file. Where write bits do not
bind (root), files are copied.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from clara_cli.errors import PayloadError
from clara_cli.filecopy import copy_file, share_blocks

_WRITE = 0o222
_CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES)


@dataclass
class Shared:
    """What was shared.

    Attributes:
        ways: how many files by which way: `reflink`, `hard link`, `copy`.
        left_out: what is no file, folder or link, by its path in the source.
    """

    ways: Counter[str] = field(default_factory=Counter)
    left_out: list[Path] = field(default_factory=list)

    def __str__(self) -> str:
        many = {"reflink": "reflinks", "hard link": "hard links", "copy": "copies"}
        told = [f"{count} {way if count == 1 else many[way]}" for way, count in sorted(self.ways.items())]
        return " and ".join(told) or "no files"


class Sharing:
    """Fills a payload's folder, which nobody else knows yet, from another payload.

    Args:
        source: top folder of the payload that is there.
        target: top folder of the new one, as it lies now.
        final: where the new one will be; links to files of the source are turned to there.
    """

    def __init__(self, source: Path, target: Path, final: Path) -> None:
        self._source = source
        self._target = target
        self._final = final
        self._way = "reflink"
        self.shared = Shared()

    def folder(self, *names: str) -> None:
        """Share a folder of the payload, named by its path, with all that is in it; nothing if there is none.

        Raises:
            PayloadError: something cannot be read, or the disk is full.
        """
        source, target = self._source.joinpath(*names), self._target.joinpath(*names)
        try:
            if source.is_dir():
                self._fill(source, target)
        except OSError as error:
            where = error.filename or source
            raise PayloadError(f"cannot share {where} with the new job: {error.strerror}; nothing was kept") from error

    def _fill(self, top: Path, target: Path) -> None:
        made: list[tuple[Path, Path]] = []
        todo = [(top, target)]
        while todo:
            source, place = todo.pop()
            place.mkdir(parents=True, exist_ok=True)
            made.append((source, place))
            with os.scandir(source) as entries:
                for entry in entries:
                    path = place / entry.name
                    if entry.is_symlink():
                        path.symlink_to(self._turned(str(Path(entry.path).readlink())))
                    elif entry.is_dir():
                        todo.append((Path(entry.path), path))
                    elif stat.S_ISREG(entry.stat().st_mode):
                        self._file(Path(entry.path), path)
                    else:
                        self.shared.left_out.append(Path(entry.path))
        for source, place in reversed(made):
            shutil.copystat(source, place)
            place.chmod(place.stat().st_mode | 0o700)

    def _file(self, source: Path, target: Path) -> None:
        if self._way == "reflink" and not reflink(source, target):
            self._way = "copy" if self._modes_do_not_bind() else "hard link"
        if self._way == "hard link" and not _hard_link(source, target):
            self._way = "copy"
        if self._way == "copy":
            copy_file(source, target)
        self.shared.ways[self._way] += 1

    def _turned(self, link: str) -> str:
        """A link into the source's own tree leads into the new one."""
        top = str(self._source)
        return str(self._final) + link[len(top) :] if link == top or link.startswith(top + "/") else link

    def _modes_do_not_bind(self) -> bool:
        probe = self._target / ".probe"
        probe.touch(0o400)
        try:
            return os.access(probe, os.W_OK)
        finally:
            probe.unlink()


def reflink(source: Path, target: Path) -> bool:
    """Make `target` share the blocks of `source`; False, and no file, where that cannot be."""
    with source.open("rb") as reader:
        try:
            with target.open("xb") as writer:
                shared = share_blocks(reader.fileno(), writer.fileno())
            if shared:
                shutil.copystat(source, target)
                target.chmod(target.stat().st_mode & 0o777 | 0o600)
        except FileExistsError:
            raise
        except OSError:
            target.unlink(missing_ok=True)
            raise
    if not shared:
        target.unlink()
    return shared


def _hard_link(source: Path, target: Path) -> bool:
    """A second name of a file, which nobody writes any more; False where that cannot be."""
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno in _CANNOT_LINK:
            return False
        raise
    mode = source.stat().st_mode
    if mode & _WRITE:
        try:
            target.chmod(mode & ~_WRITE)
        except PermissionError:  # of another user: it could still be written
            with suppress(OSError):
                target.unlink()
            return False
    return True
