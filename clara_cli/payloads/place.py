"""Putting a copy of a file where a user wants it, whole or not at all.

A small file that is new is written without a name, then given one: a process that is killed leaves nothing. A large
one, or one that replaces another, is written beside its place and renamed:

    .clara-<target>-<source>.part

is a copy that is not finished. Its name says of which file (device, inode, size, time of change) and for which target:
an interrupted download goes on with it, comparing what is there, and a part of a file that has changed since is
removed. It is locked while it is written.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import suppress
from typing import NamedTuple

from clara_cli.filecopy import copy_attributes, copy_contents
from clara_cli.filecopy_ways import Copied

_PREFIX, _SUFFIX = ".clara-", ".part"
# Bytes from which a part is worth keeping when the user interrupts.
WORTH_KEEPING = 16 << 20
_STALE = 7 * 86400.0


class _Folder(NamedTuple):
    """What was in a folder when it was looked at: names, and the parts by the digest of their target."""

    names: frozenset[str]
    parts: dict[str, list[str]]


class Placer:
    """Places files; one object for one download, because it looks at each folder once."""

    def __init__(self, copied: Copied) -> None:
        self._copied = copied
        self._folders: dict[str, _Folder] = {}
        self._nameless = True

    def place(self, reader: int, folder: str, name: str) -> None:
        """Make `folder/name` a copy of an open file, replacing what is there.

        Raises:
            SourceChanged: the file was written meanwhile.
            OSError: as the system says it; the old file is untouched.
        """
        info, there = os.fstat(reader), self._look(folder)
        if self._nameless and info.st_size < WORTH_KEEPING and name not in there.names and not there.parts:
            self._nameless = self._write_nameless(reader, folder, name)
            if self._nameless:
                return
        target, identity = _digest(os.fsencode(name)), _identity(info)
        own = f"{_PREFIX}{target}-{identity}{_SUFFIX}"
        for part in there.parts.get(target, ()):
            if part != own:
                _remove_unlocked(f"{folder}/{part}")
        part, writer = _open_part(folder, own)
        try:
            copy_attributes(copy_contents(reader, writer, self._copied, go_on=True), writer)
            os.replace(part, f"{folder}/{name}")  # noqa: PTH105
        except BaseException as error:
            # Out of room or torn: of no use. Interrupted: the next download goes on.
            if isinstance(error, OSError) or os.fstat(writer).st_size < WORTH_KEEPING:
                with suppress(OSError):
                    os.unlink(part)  # noqa: PTH108
            raise
        finally:
            os.close(writer)

    def _write_nameless(self, reader: int, folder: str, name: str) -> bool:
        """As `place`; False where the file system has no files without a name, or the name is taken by now."""
        try:
            writer = os.open(folder, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
        except OSError:
            return False  # also where the folder cannot be written: the other way says so
        try:
            copied: list[int] = []
            copy_attributes(copy_contents(reader, writer, copied.append), writer)
            try:
                # A descriptor of a folder, though the paths are whole: only then is the link in /proc followed.
                os.link(f"/proc/self/fd/{writer}", f"{folder}/{name}", src_dir_fd=writer)
            except OSError:
                return False
            self._copied(sum(copied))
            return True
        finally:
            os.close(writer)

    def _look(self, folder: str) -> _Folder:
        """What is in a folder, old parts removed."""
        if folder not in self._folders:
            names: set[str] = set()
            parts: dict[str, list[str]] = {}
            with os.scandir(folder) as entries:
                for entry in entries:
                    names.add(entry.name)
                    if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX):
                        parts.setdefault(entry.name.removeprefix(_PREFIX).partition("-")[0], []).append(entry.name)
                        if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                            _remove_unlocked(entry.path)
            self._folders[folder] = _Folder(frozenset(names), parts)
        return self._folders[folder]


def _open_part(folder: str, name: str) -> tuple[str, int]:
    """Open and lock a part; one of another name when another process writes this one."""
    path = f"{folder}/{name}"
    while True:
        writer = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(writer, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may have renamed it to its target in between.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(writer), os.stat(path)):  # noqa: PTH116
                    return path, writer
        except BlockingIOError:
            path = f"{folder}/{name.removesuffix(_SUFFIX)}-{os.urandom(4).hex()}{_SUFFIX}"
        except BaseException:
            os.close(writer)
            raise
        os.close(writer)


def _remove_unlocked(path: str) -> None:
    """Remove a part that nobody writes."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)  # noqa: PTH108
        finally:
            os.close(descriptor)


def _identity(info: os.stat_result) -> str:
    return _digest(repr((info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)).encode())


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()
