"""`perf_logger`: how long the stages of a program take, as lines on stderr."""

from __future__ import annotations

import json
import sys
import time


class PerfLogger:
    """Writes one JSON line for each start and end of a stage, and `[PERF]` lines with times in milliseconds.

    Works without a driver and without a job. Stages may nest; a stage is known by its name.
    """

    def __init__(self) -> None:
        self._started: dict[str, list[int]] = {}

    def stage_started(self, name: str, message: str = "") -> None:
        """A stage begins."""
        now = _now()
        self._started.setdefault(name, []).append(now)
        _event("processing_started", now, name, message)
        _line("[PERF] {} Start Time: {}".format(name, now))

    def stage_ended(self, name: str, message: str = "") -> None:
        """A stage ends; without a matching start no elapsed time is written."""
        now = _now()
        _event("processing_ended", now, name, message)
        _line("[PERF] {} End Time: {}".format(name, now))
        if self._started.get(name):
            _line("[PERF] {} Elapsed Time (ms): {}".format(name, now - self._started[name].pop()))


def _now() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def _event(event: str, now: int, stage: str, message: str) -> None:
    seconds, milliseconds = divmod(now, 1000)
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds)) + ".{:03d}Z".format(milliseconds)
    fields = {"category": "operator", "name": event, "level": "info", "timestamp": stamp}
    _line(json.dumps({"event": dict(fields, stage=stage, message=message)}))


def _line(text: str) -> None:
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        pass  # measuring must not end a program whose stderr is closed


perf_logger = PerfLogger()
