"""What mounts cost: jobs of `true`, one and ten operators, with them and without."""

from __future__ import annotations

from rich.table import Table
from timing import Spread, interleaved, timed
from workspace import CLARA, Workspace

COUNTS = (1, 10)


def measure(runs: int) -> list[Table]:
    """Each job with mounts, against the same one without."""
    table = Table(title="mounts: clara start job of operators that run `true`, ms, median (least - greatest)")
    for name in ("operators", "without", "with mounts", "difference", "for each operator"):
        table.add_column(name, justify="right")
    medians = {}
    for count in COUNTS:
        cases = {mode: lambda mode=mode, count=count: _job(count, mode) for mode in ("off", "require")}
        results = interleaved(cases, runs)
        without, enclosed = (Spread.of(results[mode]) for mode in ("off", "require"))
        medians[count] = difference = enclosed.median - without.median
        each = "" if count == COUNTS[0] else f"{1000 * (difference - medians[COUNTS[0]]) / (count - COUNTS[0]):.1f}"
        row = (without.milliseconds(), enclosed.milliseconds(), f"{1000 * difference:.1f}", each)
        table.add_row(str(count), *row)
    return [table]


def _job(count: int, mode: str) -> float:
    operators = [
        {
            "name": f"true-{place}",
            "container": {"image": "busybox", "command": ["true"]},
            "input": [{"path": "/input", "type": "stream", "element-type": "x"}],
        }
        for place in range(count)
    ]
    with Workspace() as space:
        job = space.job(space.pipeline(operators))
        return timed([str(CLARA), "start", "job", "-j", job], {**space.environment, "CLARA_MOUNTS": mode})
