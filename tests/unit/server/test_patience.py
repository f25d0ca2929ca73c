"""How long a client is waited for."""

from __future__ import annotations

import asyncio
import time

import pytest

from clara_cli.server.patience import Patience, SilentClient


def test_a_silent_client_is_left_after_the_time() -> None:
    async def wait() -> None:
        with Patience(0.2, 10) as patience:
            await patience.wait(asyncio.sleep(60))

    began = time.monotonic()
    with pytest.raises(SilentClient):
        asyncio.run(wait())
    assert 0.15 < time.monotonic() - began < 5


def test_single_bytes_do_not_keep_a_call_alive_and_enough_bytes_do() -> None:
    async def trickle(size: int, rounds: int) -> int:
        done = 0
        with Patience(0.3, 10) as patience:
            for _ in range(rounds):
                await patience.wait(asyncio.sleep(0.1))
                patience.passed(size)
                done += 1
        return done

    with pytest.raises(SilentClient):
        asyncio.run(trickle(1, 9))
    assert asyncio.run(trickle(10, 9)) == 9


def test_time_that_the_server_takes_does_not_count() -> None:
    async def work() -> str:
        with Patience(0.2, 10) as patience:
            await asyncio.sleep(0.5)
            return await patience.wait(asyncio.sleep(0.05, "answer"))

    assert asyncio.run(work()) == "answer"


def test_being_cancelled_is_no_silence() -> None:
    async def cancelled() -> None:
        async def wait() -> None:
            with Patience(60, 10) as patience:
                await patience.wait(asyncio.sleep(60))

        task = asyncio.create_task(wait())
        await asyncio.sleep(0.05)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
