"""Work on all cores, with results in order."""

from __future__ import annotations

import os
from collections import deque
from typing import Any, Callable, Deque, Iterable, Iterator, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def in_order(function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None) -> Iterator[Result]:
    """`map` on threads: results in the order of the items, only as many items ahead as there is work for."""
    from concurrent.futures import ThreadPoolExecutor

    threads = threads or cores()
    waiting: Deque[Any] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def fill(stream: Any, memory: memoryview) -> int:
    """Read until the memory is full or the stream ends; returns how many bytes were read."""
    done = 0
    while done < len(memory):
        count = stream.readinto(memory[done:])
        if not count:
            break
        done += count
    return done
