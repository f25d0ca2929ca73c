"""A deflate stream that is written piece by piece, packed in blocks on all cores."""

from __future__ import annotations

import zlib
from collections import deque
from typing import Any, Deque

from clara.io_codec import BLOCK, deflated
from clara.io_threads import cores


class Deflater:
    """Used like the object of `zlib.compressobj`; what it makes is a raw deflate stream."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._pool: Any = None
        self._waiting: Deque[Any] = deque()

    def compress(self, data: Any) -> bytes:
        """Take bytes in; returns what is packed by now."""
        self._rest += memoryview(data).cast("B") if memoryview(data).nbytes else b""
        while len(self._rest) > BLOCK:
            self._start(bytes(memoryview(self._rest)[:BLOCK]))
            del self._rest[:BLOCK]
        return self._packed(cores())

    def flush(self, mode: int = zlib.Z_FINISH) -> bytes:
        """All that is left; with another mode than `Z_FINISH` the stream goes on after it."""
        last = deflated(self._rest, mode == zlib.Z_FINISH)
        self._rest = bytearray()
        packed = self._packed(0) + last
        if self._pool is not None and mode == zlib.Z_FINISH:
            self._pool.shutdown()
            self._pool = None
        return packed

    def _start(self, block: bytes) -> None:
        from concurrent.futures import ThreadPoolExecutor

        if self._pool is None:
            self._pool = ThreadPoolExecutor(cores())
        self._waiting.append(self._pool.submit(deflated, block, False))

    def _packed(self, ahead: int) -> bytes:
        parts = []
        while len(self._waiting) > ahead or (self._waiting and self._waiting[0].done()):
            parts.append(self._waiting.popleft().result())
        return b"".join(parts)
