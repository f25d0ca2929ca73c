"""How long an array is on its way from one operator to the next."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pairs import Marks, through_file, through_shared_memory
from rich.table import Table
from timing import Spread, interleaved, ratio
from workspace import Workspace, handing_over

SIZES = {"4 KiB": 4 << 10, "4 MiB": 4 << 20, "400 MiB": 400 << 20, "4 GiB": 4 << 30}
# Saving through a file in memory needs the array three times; the rest is for everybody else.
ROOM = 4
SHARED_MEMORY = Path("/dev/shm")


TARGET = 1.1
BARE = "shared_memory, ended"


def measure(runs: int) -> list[Table]:
    """Sizes by ways of handing over."""
    table = Table(
        title=f"handover: ms, median (least - greatest); target {TARGET} times the pair that waits for the end"
    )
    table.add_column("array")
    table.add_column("way")
    for column in (
        "allocate + fill",
        "hand-over",
        "times the pair",
        "of it: producer",
        "of it: end to view",
        "first read",
    ):
        table.add_column(column, justify="right")
    for label, size in SIZES.items():
        if size > 1 << 20 and size * ROOM > _available():
            table.add_row(label, "not enough free memory")
            continue
        results = interleaved(_ways(size), runs)
        bare = _times(results[BARE], *_HAND_OVER)
        for way, marks in results.items():
            parts = [Spread.of(_times(marks, *pair)).milliseconds() for pair in _PARTS]
            parts.insert(2, f"{ratio(_times(marks, *_HAND_OVER), bare):.2f}")
            table.add_row(label, way, *parts)
        table.add_section()
    return [table]


_HAND_OVER = ("filled", "view")
_PARTS = (("begun", "filled"), _HAND_OVER, ("filled", "ending"), ("ending", "view"), ("view", "read"))


def _times(series: list[Marks], start: str, end: str) -> list[float]:
    return [marks[end] - marks[start] for marks in series]


def _ways(size: int) -> dict[str, Callable[[], Marks]]:
    return {
        "clara": partial(_through_job, size),
        ".npy in memory": partial(_through_file, size, SHARED_MEMORY),
        ".npy on disk": partial(_through_file, size, Path(tempfile.gettempdir())),
        BARE: partial(through_shared_memory, size, ended=True),
        "shared_memory, told": partial(through_shared_memory, size, ended=False),
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
