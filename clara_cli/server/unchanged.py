"""Answers that are given again until something changes: some clients ask for the status of a job without pause."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from google.protobuf.message import Message

from clara_cli.root import Root

# Bytes of answers that are kept.
_MOST = 16 << 20

# Equal for as long as the database is the same file with the same content.
Version = tuple[int, int, int]


class Unchanged:
    """Serialised answers, all of them of one version of the database.

    Used on the server's own thread: looking at the version takes microseconds and waits for nobody.
    """

    def __init__(self, root: Root) -> None:
        self._file = root.database
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._version: Version | None = None
        self._answers: dict[bytes, list[bytes]] = {}
        self._size = 0

    def find(self, question: bytes) -> list[bytes] | None:
        """The answers to a question, if they are known and still true."""
        version = self._look()
        if version is None or version != self._version:
            self._answers.clear()
            self._size, self._version = 0, version
        return self._answers.get(question)

    def keeper(self, question: bytes) -> Callable[[Sequence[Message]], list[bytes]]:
        """To be called before the database is read for the answers: what is called with them; it returns them as bytes.

        Answers that were read of a later version than this one do no harm: they are forgotten with it.
        """
        version = self._version

        def keep(answers: Sequence[Message]) -> list[bytes]:
            serialised = [answer.SerializeToString() for answer in answers]
            size = sum(map(len, serialised))
            if version is not None and version == self._version and self._size + size <= _MOST:
                self._answers[question] = serialised
                self._size += size
            return serialised

        return keep

    def _look(self) -> Version | None:
        """None where it cannot be told without waiting."""
        try:
            info = self._file.stat()
            opened = (info.st_dev, info.st_ino)
            if self._connection is None or opened != self._opened:
                self._close()
                # Not made where it is missing: that is for those who use it.
                self._connection = sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=rw", timeout=0, uri=True)
                self._opened = opened
            (counted,) = self._connection.execute("PRAGMA data_version").fetchone()
            return *opened, counted
        except (OSError, sqlite3.Error):
            self._close()
            return None

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
