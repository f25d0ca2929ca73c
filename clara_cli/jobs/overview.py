"""What goes on, in numbers: jobs by state, in all and for each pipeline. Reads the index that lists use, no record."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from clara_cli.jobs.model import Job
from clara_cli.jobs.search import JobQuery, search_jobs
from clara_cli.pipelines.store import PipelineRecord, list_pipelines


class PipelineSummary(NamedTuple):
    """A pipeline and its jobs.

    Attributes:
        jobs: how many there are.
        waiting: how many were started and wait for their turn.
        running: how many run.
        last: the one that was started last; None when none was.
        operators: their names in the order of the definition.
    """

    pipeline: PipelineRecord
    jobs: int
    waiting: int
    running: int
    last: Job | None
    operators: tuple[str, ...]


def pipeline_summaries(connection: sqlite3.Connection) -> list[PipelineSummary]:
    """All pipelines, newest first."""
    rows = connection.execute(
        """SELECT pipeline_id, count(*), total(state = 'PENDING' AND submitted IS NOT NULL), total(state = 'RUNNING'),
            max(started) FROM jobs GROUP BY pipeline_id"""
    )
    counts = {
        pipeline_id: (jobs, int(waiting), int(running), last) for pipeline_id, jobs, waiting, running, last in rows
    }
    names: dict[str, list[str]] = {}
    for pipeline_id, name in connection.execute(
        """SELECT pipelines.id, json_extract(item.value, '$.name')
            FROM pipelines, json_each(pipelines.definition, '$.operators') AS item ORDER BY pipelines.id, item.key"""
    ):
        names.setdefault(pipeline_id, []).append(name)
    found = []
    for pipeline in list_pipelines(connection):
        jobs, waiting, running, started = counts.get(pipeline.id, (0, 0, 0, None))
        last = _last(connection, pipeline.id) if started is not None else None
        found.append(PipelineSummary(pipeline, jobs, waiting, running, last, tuple(names.get(pipeline.id, ()))))
    return found


def _last(connection: sqlite3.Connection, pipeline_id: str) -> Job | None:
    found = search_jobs(connection, JobQuery(pipelines=(pipeline_id,), order="started", count=1))
    return found.jobs[0].job if found.jobs else None


def count_jobs(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """(state, status) → how many jobs."""
    rows = connection.execute("SELECT state, status, count(*) FROM jobs GROUP BY state, status")
    return {(state, status): count for state, status, count in rows}
