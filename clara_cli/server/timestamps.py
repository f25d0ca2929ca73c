"""Times on the wire: whole seconds, counted from a year that depends on the service, and a deprecated text form.

Jobs count from the year 1 (NVIDIA's client was corrected to that in March 2021), GPU metrics from the year 0.
"""

from __future__ import annotations

import time

from clara_cli.server.wire.common_pb2 import Timestamp

_YEAR_1 = 62135596800
_YEAR_0 = 62167219200


def job_time(seconds: float | None) -> Timestamp | None:
    """Seconds since 1970 as a time of the Jobs service; None (not happened yet) stays unset."""
    return None if seconds is None else Timestamp(value=int(seconds) + _YEAR_1)


def from_job_time(stamp: Timestamp) -> float:
    """The inverse of `job_time`."""
    return float(stamp.value - _YEAR_1)


def gpu_time(seconds: float) -> Timestamp:
    """Seconds since 1970 as a time of GPU metrics."""
    return Timestamp(value=int(seconds) + _YEAR_0)


def text_time(seconds: float | None) -> str:
    """The text form that clients up to January 2021 read; empty when it has not happened yet."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))
