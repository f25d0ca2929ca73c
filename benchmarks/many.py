"""How commands bear a database with many jobs."""

from __future__ import annotations

import json
import time
from functools import partial

from rich.table import Table
from timing import Spread, interleaved, ratio, timed
from workspace import CLARA, Workspace, array, operator

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.ids import new_id
from clara_cli.jobs import store
from clara_cli.jobs.definition import operator_images
from clara_cli.jobs.model import Job
from clara_cli.jobs.states import JobEvent, JobPriority, JobState, JobStatus
from clara_cli.pipelines.model import from_json
from clara_cli.pipelines.store import find_pipeline
from clara_cli.root import choose_root

FEW, MANY = 10, 10_000
TARGET = 3.0


def measure(runs: int) -> list[Table]:
    """The same commands on a root with few jobs and on one with many."""
    with Workspace() as few, Workspace() as many:
        jobs = {space: fill(space, count) for space, count in ((few, FEW), (many, MANY))}
        cases = {}
        for space, count in ((few, FEW), (many, MANY)):
            for words in (["list", "jobs"], ["list", "jobs", "-q"], ["describe", "job", jobs[space]]):
                name = f"clara {' '.join(words[:2])}{' -q' if words[-1] == '-q' else ''}"
                cases[name, count] = partial(timed, [str(CLARA), *words], space.environment)
        results = interleaved(cases, runs)
    table = Table(title=f"many: whole processes, ms, median (least - greatest); target {TARGET:g} times")
    table.add_column("command")
    for count in (FEW, MANY):
        table.add_column(f"{count:,} jobs", justify="right")
    table.add_column("times", justify="right")
    for name in dict.fromkeys(name for name, _ in results):
        series = [results[name, count] for count in (FEW, MANY)]
        table.add_row(name, *(Spread.of(item).milliseconds() for item in series), f"{ratio(series[1], series[0]):.2f}")
    return [table]


def fill(space: Workspace, count: int) -> str:
    """Jobs of a pipeline of three operators, nine in ten of them ended; returns the id of one in the middle."""
    pipeline = space.pipeline([operator(f"noop-{n}", "noop", [], [array("token", 1)]) for n in range(3)])
    ids = []
    with Database(choose_root(Config(root=space.root))) as database, database.write() as connection:
        record = find_pipeline(connection, pipeline)
        operators = operator_images(from_json(json.loads(record.definition)))
        first = time.time() - count * 60
        for number in range(count):
            job = Job(
                *(new_id(), new_id(), record.id, f"job-{number}"),
                *(JobState.PENDING, JobStatus.HEALTHY, JobPriority.NORMAL, first + number * 60, None, None, None),
                *(record.folder, record.definition),
            )
            store.insert_job(connection, job, operators)
            if number % 10:
                store.submit_job(connection, job.id)
                store.change_job(connection, job.id, JobEvent.RUN)
                store.change_job(connection, job.id, JobEvent.SUCCEED)
            ids.append(job.id)
    return ids[count // 2]
