"""How fast the command line answers."""

from __future__ import annotations

import sys
from functools import partial

from rich.table import Table
from timing import Spread, interleaved, ratio, timed
from workspace import CLARA, Workspace, array, operator

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.jobs.actions import create_job
from clara_cli.root import choose_root

JOBS = 1000
TARGET = 1.4
BASELINE = 'python -c "import click"'


def measure(runs: int) -> list[Table]:
    """Short commands against loading click alone."""
    with Workspace() as few, Workspace() as many:
        for space in (few, many):
            pipeline = space.pipeline([operator("noop", "noop", [], [array("token", 1)])])
        with Database(choose_root(Config(root=many.root))) as database:
            for count in range(JOBS):
                create_job(database, f"job-{count}", pipeline, None)
        commands = {
            'python -c "pass"': ([sys.executable, "-c", "pass"], few),
            BASELINE: ([sys.executable, "-c", "import click"], few),
            "clara --help": ([str(CLARA), "--help"], few),
            "clara list pipelines": ([str(CLARA), "list", "pipelines"], few),
            f"clara list jobs ({JOBS} of them)": ([str(CLARA), "list", "jobs"], many),
        }
        cases = {name: partial(timed, argv, space.environment) for name, (argv, space) in commands.items()}
        results = interleaved(cases, runs)
    table = Table(title=f"startup: whole processes, ms, median (least - greatest); target {TARGET}")
    table.add_column("command")
    table.add_column("time", justify="right")
    table.add_column("times import click", justify="right")
    for name, series in results.items():
        table.add_row(name, Spread.of(series).milliseconds(), f"{ratio(series, results[BASELINE]):.2f}")
    return [table]
