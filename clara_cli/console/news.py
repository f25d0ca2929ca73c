"""One watcher of the database for all pages that are open.

SQLite counts the commits of others (`PRAGMA data_version`): asking costs microseconds. Only when that number has
changed is it found out what has, once, however many pages wait for it; nobody asks while no page is open.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing

from clara_cli.console.changes import ANY_JOB, Changes
from clara_cli.database import Database
from clara_cli.errors import StoreError
from clara_cli.root import Root

log = logging.getLogger("clara.console")

# Seconds between two questions, and after the database could not be used.
_LOOK, _TROUBLE = 0.05, 2.0


class Subscription:
    """What one page wants to know."""

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = frozenset(topics)
        self._new: set[str] = set()
        self._told = asyncio.Event()

    def tell(self, topics: Iterable[str]) -> None:
        topics = set(topics)
        wanted = self._topics & topics
        if ANY_JOB in topics:
            wanted |= {topic for topic in self._topics if topic.startswith("job:")}
        if wanted:
            self._new |= wanted
            self._told.set()

    def wake(self) -> None:
        self._told.set()

    async def next(self, patience: float) -> set[str]:
        """The topics with news; empty when there was none for so many seconds, or there will be none."""
        try:
            await asyncio.wait_for(self._told.wait(), patience)
        except TimeoutError:
            pass
        self._told.clear()
        found, self._new = self._new, set()
        return found


class News:
    """Tells pages what has changed. `generation` counts the changes that were seen."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._subscriptions: set[Subscription] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="news", daemon=True)
        self.ended = False
        self.generation = 0

    @property
    def watching(self) -> bool:
        """Whether somebody looks, so that `generation` means something."""
        return bool(self._subscriptions)

    @property
    def readers(self) -> int:
        return len(self._subscriptions)

    @asynccontextmanager
    async def subscribed(self, topics: Iterable[str]) -> AsyncIterator[Subscription]:
        """News for one page, as long as the block lasts."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._thread.start()
        subscription = Subscription(topics)
        self._subscriptions.add(subscription)
        self._wanted.set()
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            if not self._subscriptions:
                self._wanted.clear()

    def end(self) -> None:
        """There will be no more news."""
        self.ended = True
        for subscription in self._subscriptions:
            subscription.wake()

    def close(self) -> None:
        """End the watcher."""
        self.end()
        self._closed.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def _tell(self, topics: set[str]) -> None:
        self.generation += 1
        for subscription in self._subscriptions:
            subscription.tell(topics)

    def _watch(self) -> None:
        while not self._closed.is_set():
            try:
                with closing(Database(self._root)) as database:
                    self._watch_one(database)
            except (StoreError, sqlite3.Error) as error:
                log.warning("%s", error)
                self._closed.wait(_TROUBLE)

    def _watch_one(self, database: Database) -> None:
        """Until it cannot be used any more, as after it was replaced."""
        changes, seen = Changes(), -1
        identity = self._root.database.stat().st_ino
        while self._wanted.wait() and not self._closed.is_set():
            with database.read() as connection:
                (version,) = connection.execute("PRAGMA data_version").fetchone()
                if version != seen:
                    seen = version
                    found = changes.look(connection)
                    if self._loop is not None and not self._loop.is_closed():
                        self._loop.call_soon_threadsafe(self._tell, found)
            self._closed.wait(_LOOK)
            if not self._same(identity):
                return

    def _same(self, identity: int) -> bool:
        try:
            return self._root.database.stat().st_ino == identity
        except OSError:
            return True
