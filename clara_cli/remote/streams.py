"""How many transfers run side by side, and in what pieces; as Clara Deploy's own clients are told by variables."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from clara_cli.errors import ConfigError
from clara_cli.payloads.upload import Meter


def parallel(environment: Mapping[str, str] = os.environ) -> int:
    """Streams at once: `GRPC_PARALLEL_STREAMS`, 1 to 64; 8 where nothing is said."""
    return _number(environment, "GRPC_PARALLEL_STREAMS", 8, 1, 64)


def chunk_size(environment: Mapping[str, str] = os.environ) -> int:
    """Bytes of a file in one message: `GRPC_CHUNK_SIZE`, 1 KiB to 4 MiB - 512; 1 MiB where nothing is said."""
    return _number(environment, "GRPC_CHUNK_SIZE", 1 << 20, 1 << 10, (4 << 20) - 512)


def _number(environment: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = environment.get(name)
    if not text:
        return usual
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ConfigError(f'{name} is "{text}": expected a whole number from {least} to {most}')
    return int(text)


class SharedMeter:
    """A meter that several transfers advance."""

    def __init__(self, meter: Meter | None) -> None:
        self._meter = meter
        self._lock = threading.Lock()

    def expect(self, size: int) -> None:
        if self._meter is not None:
            with self._lock:
                self._meter.expect(size)

    def advance(self, size: int) -> None:
        if self._meter is not None:
            with self._lock:
                self._meter.advance(size)
