"""Threads for what blocks: the database and the disk. The server's own thread only moves messages."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from clara_cli.database import Database
from clara_cli.errors import StoreError
from clara_cli.root import Root

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Workers:
    """A number of threads, each with a connection of its own to the root's database."""

    def __init__(self, root: Root, threads: int, name: str) -> None:
        self._root = root
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._own = threading.local()

    async def call(
        self, function: Callable[Concatenate[Database, Given], Result], *args: Given.args, **named: Given.kwargs
    ) -> Result:
        """`function(database, …)` in a thread; when the caller hangs up it still comes to its end first."""
        return await self.run(lambda: self._with_database(function, *args, **named))

    async def run(self, function: Callable[[], Result]) -> Result:
        """`function()` in a thread; when the caller hangs up it still comes to its end first."""
        running = asyncio.get_running_loop().run_in_executor(self._executor, function)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # Whoever cleans up must not do so under a thread that is at work.
            await asyncio.wait([running])
            raise

    def _with_database(
        self, function: Callable[Concatenate[Database, Given], Result], *args: Given.args, **named: Given.kwargs
    ) -> Result:
        database = getattr(self._own, "database", None)
        if database is None:
            database = self._own.database = Database(self._root)
        try:
            return function(database, *args, **named)
        except StoreError:
            # The file may have been replaced: the next call opens what is there then.
            self._own.database = None
            database.close()
            raise

    def close(self) -> None:
        """Wait for what runs, then end the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)
