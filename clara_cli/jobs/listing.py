"""What is read of all jobs at once, from indexes alone: a list of jobs as text, and the jobs that want attention.

Without their records (`clara_cli.jobs.store`), since most commands look here and find nothing to do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clara_cli.jobs.model import Job

# The words of `clara_cli.jobs.states`, put together where the rows are; a test compares the two.
_WIRE = ", ".join(f"'JOB_{name.upper()}_' || {name}" for name in ("state", "status", "priority"))
# Times are never before 1970, so that cutting a fraction off is rounding down.
_TIMES = ", ".join(
    f"strftime('%Y-%m-%dT%H:%M:%SZ', CAST({name} AS INTEGER), 'unixepoch')"
    for name in ("created", "started", "stopped")
)
_NEWEST_FIRST = "ORDER BY created DESC, rowid DESC"


def job_rows(connection: sqlite3.Connection) -> list[tuple[str | None, ...]]:
    """Of all jobs, newest first: name, id, pipeline, state, status, priority; created, started and stopped in UTC."""
    query = f"SELECT name, id, pipeline_id, {_WIRE}, {_TIMES} FROM jobs {_NEWEST_FIRST}"
    return connection.execute(query).fetchall()


def rows_of(jobs: Iterable[Job]) -> list[tuple[str | None, ...]]:
    """The same of jobs whose records are known."""
    import time

    def utc(seconds: float | None) -> str | None:
        return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

    return [
        (
            *(job.name, job.id, job.pipeline_id, job.state.wire, job.status.wire, job.priority.wire),
            *(utc(job.created), utc(job.started), utc(job.stopped)),
        )
        for job in jobs
    ]


def job_ids(connection: sqlite3.Connection) -> list[str]:
    """Ids of all jobs, newest first."""
    return [row[0] for row in connection.execute(f"SELECT id FROM jobs {_NEWEST_FIRST}")]


# Those of which the index `jobs_live` holds the ids, however many have ended.
_LIVE = "state != 'STOPPED' AND submitted IS NOT NULL"
_PLACED = "EXISTS (SELECT 1 FROM placed WHERE job_id = jobs.id)"


def live_jobs(connection: sqlite3.Connection) -> list[str]:
    """Ids of jobs of this machine that were started and have not ended, by what the records say."""
    query = f"SELECT id FROM jobs INDEXED BY jobs_live WHERE {_LIVE} AND NOT {_PLACED}"
    return [row[0] for row in connection.execute(query)]


def any_placed(connection: sqlite3.Connection) -> bool:
    """Whether there are such jobs that run elsewhere (`clara_cli.jobs.placed`)."""
    query = f"SELECT 1 FROM jobs INDEXED BY jobs_live WHERE {_LIVE} AND {_PLACED} LIMIT 1"
    return connection.execute(query).fetchone() is not None
