"""Interleaved measurement, and what a series of measurements comes to."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")
LEAST_RUNS = 7


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of a series."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        series = list(values)
        return cls(statistics.median(series), min(series), max(series))

    def milliseconds(self) -> str:
        """For a series in seconds: `12.3 (11.9 - 14.0)`."""
        low, middle, high = (_digits(value * 1e3) for value in (self.least, self.median, self.greatest))
        return f"{middle} ({low} - {high})"

    def mebibytes(self) -> str:
        """For a series in bytes, as above."""
        low, middle, high = (f"{value / (1 << 20):.1f}" for value in (self.least, self.median, self.greatest))
        return f"{middle} ({low} - {high})"


def _digits(milliseconds: float) -> str:
    return f"{milliseconds:.2f}" if milliseconds < 10 else f"{milliseconds:.1f}"


def interleaved(cases: Mapping[str, Callable[[], Result]], runs: int) -> dict[str, list[Result]]:
    """Measure each case `runs` times in turn (A B A B ...), after one round that does not count."""
    results: dict[str, list[Result]] = {name: [] for name in cases}
    for count in range(runs + 1):
        for name, case in cases.items():
            result = case()
            if count:
                results[name].append(result)
    return results


def ratio(ours: Sequence[float], baseline: Sequence[float]) -> float:
    """Median against median."""
    return statistics.median(ours) / statistics.median(baseline)


def timed(argv: Sequence[str], environment: Mapping[str, str], folder: Path | None = None) -> float:
    """Seconds from starting a process, in a folder, until it has ended.

    Raises:
        CalledProcessError: it did not end well.
    """
    began = time.perf_counter()
    subprocess.run(
        argv,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )
    return time.perf_counter() - began
