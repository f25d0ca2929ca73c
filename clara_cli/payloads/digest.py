"""Digests of files and folders by content, remembered in the database by path, size, time and inode."""

from __future__ import annotations

import os
import stat
import time

# As `hashlib` has it, which loads OpenSSL first.
from _blake2 import blake2b
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clara_cli.database import Database

_CHUNK = 1 << 20
# A file that changed this recently (nanoseconds) could change again within the same tick of the clock.
_SETTLED = 1_000_000_000
# Below this size a file is read as fast as its digest is looked up.
_SMALL = 1 << 16
# How many digests are remembered; the oldest go first.
_KEPT = 100_000


class Content(NamedTuple):
    """What a folder holds.

    Attributes:
        digest: of names, contents and which files are executable.
        newest: when something in it changed last, in seconds since 1970.
    """

    digest: str
    newest: float


class Digester:
    """Computes digests; `keep` remembers those of the files that were read.

    Nothing is read of a file whose path, size, time of change and inode are those of an earlier time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._new: list[tuple[object, ...]] = []

    def folder(self, top: Path, *, follow: bool = False, skip: frozenset[str] = frozenset()) -> Content | None:
        """The content of a file or a folder.

        Args:
            follow: take links for what they lead to, as a program's folder is laid out.
            skip: names that do not count.

        Returns:
            None where it is not certain: something cannot be read, is no file, or is a link that is not followed.
        """
        digest, newest = blake2b(digest_size=32), 0.0
        try:
            for name, path, info in _walk(top, follow, skip):
                newest = max(newest, info.st_mtime)
                if stat.S_ISDIR(info.st_mode):
                    kind, content = b"folder", b""
                elif stat.S_ISREG(info.st_mode):
                    kind, content = (b"program" if info.st_mode & 0o111 else b"file"), self._file(path, info)
                else:
                    return None
                digest.update(b"%s\0%s\0%s\0" % (os.fsencode(name), kind, content))
        except OSError:
            return None
        return Content(digest.hexdigest(), newest)

    def keep(self) -> None:
        """Remember what was read."""
        if not self._new:
            return
        with self._database.write() as connection:
            connection.executemany("INSERT OR REPLACE INTO file_digests VALUES (?, ?, ?, ?, ?)", self._new)
            connection.execute(
                "DELETE FROM file_digests WHERE rowid <= (SELECT max(rowid) FROM file_digests) - ?", (_KEPT,)
            )
        self._new.clear()

    def _file(self, path: str, info: os.stat_result) -> bytes:
        key = (os.fsencode(path), info.st_size, info.st_mtime_ns, info.st_ino)
        if info.st_size >= _SMALL and (known := self._known(key)) is not None:
            return known
        digest = blake2b(digest_size=32)
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
            after = os.fstat(file.fileno())
        if (after.st_size, after.st_mtime_ns, after.st_ino) != key[1:]:
            raise OSError(f"{path} changed while it was read")
        if info.st_size >= _SMALL and time.time_ns() - info.st_mtime_ns > _SETTLED:
            self._new.append((*key, digest.digest()))
        return digest.digest()

    def _known(self, key: tuple[object, ...]) -> bytes | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT digest FROM file_digests WHERE path = ? AND size = ? AND mtime_ns = ? AND inode = ?", key
            ).fetchone()
        return None if row is None else bytes(row[0])


def _walk(top: Path, follow: bool, skip: frozenset[str]) -> Iterator[tuple[str, str, os.stat_result]]:
    """Name below the top, path and status of all there is, in the order of names; the top itself first."""
    todo: list[tuple[str, str, frozenset[tuple[int, int]]]] = [("", str(top), frozenset())]
    while todo:
        name, path, above = todo.pop()
        info = os.stat(path, follow_symlinks=follow)  # noqa: PTH116 - once for each of very many files
        yield name, path, info
        here = (info.st_dev, info.st_ino)
        if stat.S_ISDIR(info.st_mode) and here not in above:
            with os.scandir(path) as entries:
                names = sorted((entry.name for entry in entries if entry.name not in skip), reverse=True)
            todo += [(f"{name}/{child}", f"{path}/{child}", above | {here}) for child in names]
