"""Finding jobs among thousands: by words and by what they are, a page at a time.

Whatever is asked, only the index that holds all that lists show is read, not the records.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

from clara_cli.jobs.model import Job
from clara_cli.jobs.states import JobPriority, JobState, JobStatus
from clara_cli.jobs.store import RECORD, job_of

# What a list can be ordered by; `{}` is the direction.
_NOW = "(julianday('now') - 2440587.5) * 86400"
ORDERS = {
    # As the index has them, so that only the part that is shown is read.
    "created": "jobs.created {}, jobs.id {}",
    "started": "jobs.started {}",
    "duration": f"coalesce(jobs.stopped, {_NOW}) - jobs.started {{}}",
    "name": "jobs.name COLLATE NOCASE {}",
    "status": "jobs.state {}, jobs.status {}",
    "priority": "CASE jobs.priority WHEN 'LOWER' THEN 0 WHEN 'NORMAL' THEN 1 WHEN 'HIGHER' THEN 2 ELSE 3 END {}",
}
LARGEST_PAGE = 500


@dataclass(frozen=True)
class JobQuery:
    """Which jobs are wanted: all conditions together, any value within one; empty means no condition.

    Attributes:
        text: words that each occur in the job's name, its pipeline's name, or begin one of its ids.
        pipelines: whole ids.
        after, before: bounds of the creation, in seconds since 1970 UTC.
        order: a key of `ORDERS`.
        start, count: the part of the list.
    """

    text: str = ""
    states: tuple[JobState, ...] = ()
    statuses: tuple[JobStatus, ...] = ()
    priorities: tuple[JobPriority, ...] = ()
    pipelines: tuple[str, ...] = ()
    after: float | None = None
    before: float | None = None
    order: str = "created"
    ascending: bool = False
    start: int = 0
    count: int = 50


class FoundJob(NamedTuple):
    """A job in a list, without its definition, what its pipeline is called, and whether that is still there."""

    job: Job
    pipeline: str
    kept: bool


class JobsFound(NamedTuple):
    """A part of the list, and how many jobs there are in the whole of it."""

    jobs: tuple[FoundJob, ...]
    total: int


def search_jobs(connection: sqlite3.Connection, query: JobQuery) -> JobsFound:
    """The jobs that are wanted."""
    conditions, values = _conditions(query)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    source = "FROM jobs LEFT JOIN pipelines ON pipelines.id = jobs.pipeline_id" if query.text else "FROM jobs"
    (total,) = connection.execute(f"SELECT count(*) {source} {where}", values).fetchone()
    order = ORDERS[query.order].replace("{}", "ASC" if query.ascending else "DESC")
    columns = ", ".join(f"jobs.{name}" for name in RECORD.split(", "))
    then = "" if query.order == "created" else ", jobs.created DESC, jobs.id DESC"
    count = min(query.count, LARGEST_PAGE)
    rows = connection.execute(
        f"SELECT {columns}, '', '', 0, '' {source} {where} ORDER BY {order}{then} LIMIT ? OFFSET ?",
        (*values, count, query.start),
    ).fetchall()
    jobs = [job_of(row) for row in rows]
    return JobsFound(named(connection, jobs), total)


def named(connection: sqlite3.Connection, jobs: list[Job]) -> tuple[FoundJob, ...]:
    """Jobs with the names of their pipelines, which may have been deleted since."""
    found = []
    known: dict[str, tuple[str, bool]] = {}
    for job in jobs:
        if job.pipeline_id not in known:
            row = connection.execute("SELECT name FROM pipelines WHERE id = ?", (job.pipeline_id,)).fetchone()
            kept = row is not None
            if not kept:
                query = "SELECT json_extract(definition, '$.name') FROM jobs WHERE id = ?"
                row = connection.execute(query, (job.id,)).fetchone()
            known[job.pipeline_id] = (row[0] if row and row[0] else "", kept)
        found.append(FoundJob(job, *known[job.pipeline_id]))
    return tuple(found)


def _conditions(query: JobQuery) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    for column, wanted in (
        ("state", [state.value for state in query.states]),
        ("status", [status.value for status in query.statuses]),
        ("priority", [priority.value for priority in query.priorities]),
        ("pipeline_id", list(query.pipelines)),
    ):
        if wanted:
            conditions.append(f"jobs.{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    for bound, comparison in ((query.after, ">="), (query.before, "<")):
        if bound is not None:
            conditions.append(f"jobs.created {comparison} ?")
            values.append(bound)
    for word in query.text.split()[:8]:
        pattern = "".join(f"\\{letter}" if letter in "\\%_" else letter for letter in word)
        conditions.append(
            "(jobs.name LIKE ? ESCAPE '\\' OR pipelines.name LIKE ? ESCAPE '\\' OR jobs.id LIKE ? ESCAPE '\\'"
            " OR jobs.payload_id LIKE ? ESCAPE '\\' OR jobs.pipeline_id LIKE ? ESCAPE '\\')"
        )
        start = f"{pattern.replace('-', '')}%"
        values += [f"%{pattern}%", f"%{pattern}%", start, start, start]
    return conditions, values
