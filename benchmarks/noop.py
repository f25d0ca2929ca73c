"""What running three programs as a job costs over running them one after another."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from functools import partial

from rich.table import Table
from timing import Spread, interleaved, ratio, timed
from workspace import CLARA, OPERATORS, Workspace, array, operator

from clara_cli.runtime.environment import OPERATOR_PATH, passed_on

COUNT = 3
TARGET = "0.6, with create 1.0, in a queue 0.25"
QUEUED = 16


@dataclass(frozen=True)
class Times:
    """Seconds of a run: of `create`, where there is one, and of what follows."""

    start: float
    create: float = 0.0


def measure(runs: int) -> list[Table]:
    """A job of three operators that do nothing, against a shell script."""
    cases = {"clara": _job, "anew": partial(_job, CLARA_WARM_START="0"), "queue": _queue, "script": _script}
    results = interleaved(cases, runs)
    series = {name: [times.start for times in results[name]] for name in cases}
    rows = {
        "shell script": series["script"],
        "clara start job": series["clara"],
        "clara start job, CLARA_WARM_START=0": series["anew"],
        "clara create jobs + clara start job": [times.create + times.start for times in results["clara"]],
        f"clara start jobs of {QUEUED}, for each": series["queue"],
    }
    table = Table(title=f"noop: {COUNT} programs, whole processes, ms, median (least - greatest); target {TARGET}")
    table.add_column("what")
    table.add_column("time", justify="right")
    table.add_column("times the script", justify="right")
    for name, times in rows.items():
        table.add_row(name, Spread.of(times).milliseconds(), f"{ratio(times, series['script']):.2f}")
    return [table]


def _job(**variables: str) -> Times:
    with Workspace() as space:
        environment = {**space.environment, **variables}
        pipeline = space.pipeline(_operators())
        create = timed([str(CLARA), "create", "jobs", "-n", "timed", "-p", pipeline], environment)
        job = space.clara("list", "jobs", "-q").split()[0]
        return Times(timed([str(CLARA), "start", "job", "-j", job], environment), create)


def _queue() -> Times:
    """Many of these jobs in one command, the time shared out."""
    with Workspace() as space:
        jobs = space.jobs(space.pipeline(_operators()), QUEUED)
        return Times(timed([str(CLARA), "start", "jobs", "-j", " ".join(jobs)], space.environment) / QUEUED)


def _operators() -> list[dict[str, object]]:
    """A chain; variables of one byte let all of them start with the job."""
    operators = []
    for count in range(1, COUNT + 1):
        inputs = [{"from": f"noop-{count - 1}", **array("token", 1)}] if count > 1 else []
        operators.append(operator(f"noop-{count}", "noop", inputs, [array("token", 1)]))
    return operators


def _script() -> Times:
    """The same programs with the same interpreter and environment; the driver waits for nobody."""
    with Workspace() as space:
        line = shlex.join([sys.executable, "-u", str(OPERATORS / "noop" / "main.py")])
        path = space.folder / "script.sh"
        path.write_text("set -e\n" + f"{line}\n" * COUNT)
        environment = {**passed_on(), "PYTHONPATH": str(OPERATOR_PATH), "NVIDIA_CLARA_NOSYNCLOCK": "1"}
        return Times(timed(["sh", str(path)], environment))
