"""What the platform server lets its clients take, and whose API it speaks. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

# The version of Clara Deploy's platform.
PLATFORM_VERSION = "0.8.1"


class PlatformLimits(NamedTuple):
    """Limits of the server; sizes in bytes, times in seconds.

    Attributes:
        upload: of the files of one upload together.
        storage: percent of the disk up to which the server fills it (Clara Deploy's `maxStorageUsagePercentage`).
        idle: how long a client may send or take nothing in the middle of a call.
        slowest: bytes that have to pass in `idle`, so that nobody keeps a call alive with single bytes.
        message: of one message; definitions are sent whole.
        calls: that are served at once; further ones are refused.
        streams: calls at once on one connection; further ones wait.
        token_file: file with the token that calls have to show; None where none is asked for.
    """

    upload: int = 256 << 30
    storage: int = 80
    idle: float = 60.0
    slowest: int = 4096
    message: int = 64 << 20
    calls: int = 1000
    streams: int = 128
    token_file: Path | None = None


DEFAULT_LIMITS = PlatformLimits()
