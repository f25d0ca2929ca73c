"""How long an array is on its way from one operator to the next."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pairs import Marks, through_file, through_shared_memory
from rich.table import Table
from timing import Spread, interleaved
from workspace import Workspace, handing_over

SIZES = {"4 KiB": 4 << 10, "4 MiB": 4 << 20, "400 MiB": 400 << 20, "1 GiB": 1 << 30}
# Saving through a file in memory needs the array three times; the rest is for everybody else.
ROOM = 4
SHARED_MEMORY = Path("/dev/shm")


def measure(runs: int) -> list[Table]:
    """Sizes by ways of handing over."""
    table = Table(title="handover: ms, median (least - greatest)")
    table.add_column("array")
    table.add_column("way")
    for column in ("allocate + fill", "hand-over", "of it: producer", "of it: end to view", "first read of all pages"):
        table.add_column(column, justify="right")
    for label, size in SIZES.items():
        if size > 1 << 20 and size * ROOM > _available():
            table.add_row(label, "not enough free memory")
            continue
        for way, marks in interleaved(_ways(size), runs).items():
            table.add_row(label, way, *(_spread(marks, *pair).milliseconds() for pair in _PARTS))
        table.add_section()
    return [table]


_PARTS = (("begun", "filled"), ("filled", "view"), ("filled", "ending"), ("ending", "view"), ("view", "read"))


def _spread(series: list[Marks], start: str, end: str) -> Spread:
    return Spread.of(marks[end] - marks[start] for marks in series)


def _ways(size: int) -> dict[str, Callable[[], Marks]]:
    return {
        "clara": partial(_through_job, size),
        ".npy in memory": partial(_through_file, size, SHARED_MEMORY),
        ".npy on disk": partial(_through_file, size, Path(tempfile.gettempdir())),
        "shared_memory": partial(through_shared_memory, size),
    }


def _through_job(size: int) -> Marks:
    with Workspace() as space:
        job = space.job(space.pipeline(handing_over(size)))
        space.clara("start", "job", "-j", job)
        return {**space.marks(job, "producer"), **space.marks(job, "consumer-1")}


def _through_file(size: int, parent: Path) -> Marks:
    with tempfile.TemporaryDirectory(prefix="clara-benchmark-", dir=parent) as folder:
        return through_file(size, Path(folder))


def _available() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return 0
