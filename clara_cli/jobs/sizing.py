"""What operators took, and what a definition should ask for: the `requests` that earlier runs suggest."""

from __future__ import annotations

import math
import sqlite3
from typing import NamedTuple

from clara_cli.pipelines.model import Requests

# How many of the last runs count, and what is asked for above the most that was seen.
_RUNS, _ROOM = 20, 1.25
# Memory is asked for in steps of so many megabytes.
_STEP = 64


class Run(NamedTuple):
    """One run of an operator: seconds it took, CPU seconds, bytes of memory."""

    seconds: float
    cpu_seconds: float
    peak_memory: int

    @property
    def cores(self) -> float:
        """How many cores were busy on average."""
        return self.cpu_seconds / self.seconds if self.seconds > 0 else 0.0


class Sizing(NamedTuple):
    """What an operator took and should ask for; None where no run of it is known.

    Attributes:
        last: the run in the job that is looked at.
        runs: how many completed runs the suggestion is made of.
    """

    name: str
    asked: Requests
    last: Run | None
    runs: int
    suggested: Requests | None


def past_runs(connection: sqlite3.Connection, pipeline_id: str, operator: str) -> list[Run]:
    """The last completed runs of an operator in jobs of a pipeline, newest first."""
    rows = connection.execute(
        """SELECT operators.stopped - operators.started, cpu_seconds, peak_memory
            FROM jobs JOIN operators ON operators.job_id = jobs.id
            WHERE pipeline_id = ? AND operators.name = ? AND operators.status = 'COMPLETED'
                AND cpu_seconds IS NOT NULL AND operators.started IS NOT NULL
            ORDER BY jobs.created DESC LIMIT ?""",
        (pipeline_id, operator, _RUNS),
    )
    return [Run(*row) for row in rows]


def suggest(runs: list[Run]) -> Requests | None:
    """What covers all of these runs, with some room: whole cores, and memory in megabytes; None without a run."""
    if not runs:
        return None
    cores = max(run.cores for run in runs)
    memory = max(run.peak_memory for run in runs) * _ROOM / (1 << 20)
    return Requests(cpu=max(1, math.ceil(cores - 0.1)), memory=max(1, math.ceil(memory / _STEP)) * _STEP)
