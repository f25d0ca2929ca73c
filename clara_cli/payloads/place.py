"""Putting a copy of a file where a user wants it: beside its place first, then by one rename.

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

from clara_cli.filecopy import Copied, copy_attributes, copy_contents

_PREFIX, _SUFFIX = ".clara-", ".part"
# Bytes from which a part is worth keeping when the user interrupts.
WORTH_KEEPING = 16 << 20
_STALE = 7 * 86400.0


class Placer:
    """Places files; one object for one download, because it looks at each folder once."""

    def __init__(self, copied: Copied) -> None:
        self._copied = copied
        self._parts: dict[str, dict[str, list[str]]] = {}

    def place(self, reader: int, folder: str, name: str) -> None:
        """Make `folder/name` a copy of an open file, replacing what is there.

        Raises:
            SourceChanged: the file was written meanwhile.
            OSError: as the system says it; the old file is untouched.
        """
        target, identity = _digest(os.fsencode(name)), _identity(reader)
        own = f"{_PREFIX}{target}-{identity}{_SUFFIX}"
        for part in self._found(folder).get(target, ()):
            if part != own:
                _remove_unlocked(f"{folder}/{part}")
        part, writer = _open_part(folder, own)
        try:
            copy_contents(reader, writer, self._copied, go_on=True)
            copy_attributes(reader, writer)
            os.replace(part, f"{folder}/{name}")  # noqa: PTH105
        except BaseException as error:
            # Out of room or torn: of no use. Interrupted: the next download goes on.
            if isinstance(error, OSError) or os.fstat(writer).st_size < WORTH_KEEPING:
                with suppress(OSError):
                    os.unlink(part)  # noqa: PTH108
            raise
        finally:
            os.close(writer)

    def _found(self, folder: str) -> dict[str, list[str]]:
        """The parts in a folder by the digest of their target; old ones are removed."""
        if folder not in self._parts:
            found: dict[str, list[str]] = {}
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX):
                        found.setdefault(entry.name.removeprefix(_PREFIX).partition("-")[0], []).append(entry.name)
                        if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                            _remove_unlocked(entry.path)
            self._parts[folder] = found
        return self._parts[folder]


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


def _identity(reader: int) -> str:
    info = os.fstat(reader)
    return _digest(repr((info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)).encode())


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()
