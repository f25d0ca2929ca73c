"""Threads for what blocks: the database and the disk. The server's own thread only moves messages."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Concatenate, ParamSpec, TypeVar

from clara_cli.database import Database
from clara_cli.errors import StoreError
from clara_cli.root import Root

Given = ParamSpec("Given")
Result = TypeVar("Result")


async def finished(future: Future[Result]) -> Result:
    """What a thread returns. One that is through already costs no turn of the loop.

    When the caller hangs up it still comes to its end first: whoever cleans up must not do so under a thread at work.
    """
    if not future.done():
        try:
            return await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError:
            await ended(future)
            raise
    return future.result()


async def ended(future: Future[Result]) -> None:
    """Wait for a thread's end, whatever comes of it; what has not begun does not begin any more."""
    if not future.cancel() and not future.done():
        await asyncio.wait([asyncio.ensure_future(_silently(future))])


async def _silently(future: Future[Result]) -> None:
    with suppress(Exception):
        await asyncio.wrap_future(future)


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
        return await finished(self.begin(function))

    def begin(self, function: Callable[[], Result]) -> Future[Result]:
        """`function()` in a thread, to be waited for by `finished`."""
        return self._executor.submit(function)

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
