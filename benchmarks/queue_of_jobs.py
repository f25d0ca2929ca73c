"""Many tiny jobs through one queue, against a pool of threads that runs the same programs."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from rich.table import Table
from timing import Spread, interleaved, ratio, timed
from workspace import CLARA, OPERATORS, Workspace, operator

from clara_cli.runtime.environment import OPERATOR_PATH, passed_on

JOBS = 200
CORES = 2
TARGET = 0.7


def measure(runs: int) -> list[Table]:
    """Jobs of one program each that loads the driver and numpy and does nothing."""
    results = interleaved({"pool": _pool, "queue": _queue}, min(runs, 7))
    table = Table(title=f"queue: {JOBS} programs on {CORES} cores, s, median (least - greatest); target {TARGET}")
    for name in ("what", "time", "programs a second", "times the pool's rate"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, label in (("pool", f"ThreadPoolExecutor({CORES})"), ("queue", "clara start jobs")):
        spread = Spread.of(results[name])
        times = f"{spread.median:.2f} ({spread.least:.2f} - {spread.greatest:.2f})"
        rate = ratio(results["pool"], results[name])
        table.add_row(label, times, f"{JOBS / spread.median:.1f}", f"{rate:.2f}")
    return [table]


def _pool() -> float:
    """One process for each program, as many at a time as there are cores."""
    environment = {**passed_on(), "PYTHONPATH": str(OPERATOR_PATH), "NVIDIA_CLARA_NOSYNCLOCK": "1"}
    command = [sys.executable, "-u", str(OPERATORS / "noop" / "main.py")]

    def run(_: int) -> None:
        subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL)

    began = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(run, range(JOBS)))
    return time.perf_counter() - began


def _queue() -> float:
    with Workspace() as space:
        jobs = space.jobs(space.pipeline([operator("noop", "noop", [], [])]), JOBS)
        return timed([str(CLARA), "start", "jobs", "-j", " ".join(jobs)], space.environment)
