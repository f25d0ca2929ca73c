"""How much memory all processes of a job need together for one array that is handed on."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from rich.table import Table
from timing import Spread, interleaved
from workspace import CLARA, Workspace, handing_over

SIZE = 400 << 20
SMALL = 4 << 10
# The producer counts too.
OPERATORS = (2, 5)
TARGET = 1.05
PAUSE = 0.003
SHARED_MEMORY = "/dev/shm"


@dataclass
class Peaks:
    """The greatest sums seen, in bytes.

    Attributes:
        mapped: PSS of all processes.
        held: their PSS without shared memory, and the shared memory that the runner keeps, mapped or not.
        samples: how often it was looked.
    """

    mapped: int = 0
    held: int = 0
    samples: int = 0


def measure(runs: int) -> list[Table]:
    """A job with a large array against the same job with a small one."""
    cases = {(operators, size): f"{operators} {size}" for operators in OPERATORS for size in (SMALL, SIZE)}
    results = interleaved({name: partial(_job, *case) for case, name in cases.items()}, runs)
    table = Table(title=f"memory: peak of all processes of a job, MiB, median (least - greatest); target {TARGET}")
    for column in ("operators", "counted", "4 KiB job", "400 MiB job", "difference / array", "samples"):
        table.add_column(column, justify="left" if column == "counted" else "right")
    for operators in OPERATORS:
        small, large = results[cases[operators, SMALL]], results[cases[operators, SIZE]]
        samples = str(min(peaks.samples for peaks in (*small, *large)))
        for counted, attribute in (("PSS", "mapped"), ("PSS + unmapped shared memory", "held")):
            before = Spread.of(getattr(peaks, attribute) for peaks in small)
            after = Spread.of(getattr(peaks, attribute) for peaks in large)
            extra = f"{(after.median - before.median) / SIZE:.3f}"
            table.add_row(str(operators), counted, before.mebibytes(), after.mebibytes(), extra, samples)
    return [table]


def _job(operators: int, size: int) -> Peaks:
    with Workspace() as space:
        job = space.job(space.pipeline(handing_over(size, operators - 1)))
        mark = f"NVIDIA_CLARA_JOBID={job}".encode()
        peaks = Peaks()
        runner = subprocess.Popen(
            [str(CLARA), "start", "job", "-j", job],
            env=space.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        while runner.poll() is None:
            _look(runner.pid, mark, peaks)
            time.sleep(PAUSE)
        if runner.returncode:
            raise subprocess.CalledProcessError(runner.returncode, runner.args)
        return peaks


def _look(runner: int, mark: bytes, peaks: Peaks) -> None:
    sums = [_proportional(pid) for pid in {runner, *_processes(mark)}]
    mapped = sum(whole for whole, _ in sums)
    held = sum(whole - shared for whole, shared in sums) + _segments(runner)
    peaks.mapped, peaks.held = max(peaks.mapped, mapped), max(peaks.held, held)
    peaks.samples += 1


def _processes(mark: bytes) -> list[int]:
    """Processes with this variable in their environment."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - looked at every few milliseconds
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123
                if mark in file.read().split(b"\0"):
                    found.append(int(name))
    return found


def _proportional(pid: int) -> tuple[int, int]:
    """PSS of a process in bytes, and how much of it is shared memory; 0 when it is gone."""
    values = {}
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123
        for line in file.readlines()[1:]:
            key, number, *_ = line.split()
            values[key] = int(number) << 10
    return values.get(b"Pss:", 0), values.get(b"Pss_Shmem:", 0)


def _segments(runner: int) -> int:
    """Bytes of the shared memory that the runner has open."""
    device = os.stat(SHARED_MEMORY).st_dev  # noqa: PTH116
    blocks = {}
    with suppress(OSError):
        for name in os.listdir(f"/proc/{runner}/fd"):  # noqa: PTH208
            with suppress(OSError):
                status = os.stat(f"/proc/{runner}/fd/{name}")  # noqa: PTH116
                if status.st_dev == device:
                    blocks[status.st_ino] = status.st_blocks
    return sum(blocks.values()) * 512
