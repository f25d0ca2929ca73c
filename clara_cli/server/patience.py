"""How long a call waits for a client that sends or takes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


class SilentClient(Exception):
    """The client was waited for in vain."""


class Patience:
    """Waits for a client, within one task: a context manager.

    One timer for the whole call, and not one for each message, of which there may be thousands a second.

    Args:
        seconds: how long the client may be waited for, all waits together, until `slowest` bytes have passed.
    """

    def __init__(self, seconds: float, slowest: int) -> None:
        self._seconds = seconds
        self._slowest = slowest
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._passed = 0
        self._waited = 0.0
        self._since: float | None = None
        self._late = False

    def __enter__(self) -> Patience:
        self._timer = self._loop.call_later(self._seconds, self._look)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    async def wait(self, awaited: Awaitable[Result]) -> Result:
        """What the client does next.

        Raises:
            SilentClient: it took too long.
        """
        self._since = self._loop.time()
        try:
            return await awaited
        except asyncio.CancelledError:
            if self._late:
                raise SilentClient from None
            raise
        finally:
            self._waited += self._loop.time() - self._since
            self._since = None

    def passed(self, size: int) -> None:
        """So many bytes were sent or taken."""
        self._passed += size
        if self._passed >= self._slowest:
            self._passed, self._waited = 0, 0.0

    def _look(self) -> None:
        waiting = 0.0 if self._since is None else self._loop.time() - self._since
        left = self._seconds - self._waited - waiting
        if left <= 0 and self._since is not None and self._task is not None:
            self._late = True
            self._task.cancel()
        else:
            self._timer = self._loop.call_later(max(left, 0.01), self._look)
