"""What has changed in the database since the last look. What a look costs depends on the jobs that live, not on all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

JOBS, PIPELINES, IMAGES, MODELS, ANY_JOB = "jobs", "pipelines", "images", "models", "job:*"


def topic_of(job_id: str) -> str:
    return f"job:{job_id}"


class Changes:
    """Compares with what it saw the last time; the first look finds nothing new."""

    def __init__(self) -> None:
        self._live: dict[str, object] | None = None
        self._census: tuple[object, ...] = ()
        self._messages = 0
        self._lists: dict[str, object] = {}

    def look(self, connection: sqlite3.Connection) -> set[str]:
        """Topics: `jobs`, `pipelines`, `images`, `models`, `job:<id>`; `job:*` for a job that cannot be told."""
        live = _live_jobs(connection)
        census = connection.execute("SELECT count(*), total(state = 'PENDING'), max(created) FROM jobs").fetchone()
        lists = {table: _list(connection, table) for table in (PIPELINES, IMAGES, MODELS)}
        (last,) = connection.execute("SELECT coalesce(max(rowid), 0) FROM messages").fetchone()
        found: set[str] = set()
        if self._live is not None:
            before = self._live
            told = {job_id for job_id in before.keys() | live.keys() if before.get(job_id) != live.get(job_id)}
            rows = connection.execute("SELECT DISTINCT job_id FROM messages WHERE rowid > ?", (self._messages,))
            found = {topic_of(job_id) for job_id in told} | {topic_of(job_id) for (job_id,) in rows}
            states = {job_id: _state(before, job_id) for job_id in told}
            if census != self._census or any(_state(live, job_id) != state for job_id, state in states.items()):
                found |= {JOBS, PIPELINES}
            if census != self._census and not told:
                found.add(ANY_JOB)
            found |= {table for table, seen in lists.items() if seen != self._lists[table]}
        self._live, self._census, self._messages, self._lists = live, census, last, lists
        return found


def _live_jobs(connection: sqlite3.Connection) -> dict[str, object]:
    """Jobs that were started and have not ended → state, and how far the operators of those that run are."""
    rows = connection.execute(
        "SELECT id, state FROM jobs INDEXED BY jobs_live WHERE state != 'STOPPED' AND submitted IS NOT NULL"
    )
    found: dict[str, tuple[str, list[object]]] = {job_id: (state, []) for job_id, state in rows}
    running = [job_id for job_id, (state, _) in found.items() if state == "RUNNING"]
    for job_id, *operator in _operators(connection, running):
        found[job_id][1].append(tuple(operator))
    return dict(found)


def _operators(connection: sqlite3.Connection, jobs: list[str]) -> Iterable[tuple[str, ...]]:
    for start in range(0, len(jobs), 500):
        some = jobs[start : start + 500]
        yield from connection.execute(
            f"SELECT job_id, position, status FROM operators WHERE job_id IN ({', '.join('?' * len(some))})", some
        )


def _list(connection: sqlite3.Connection, table: str) -> object:
    return connection.execute(f"SELECT count(*), max(created) FROM {table}").fetchone()


def _state(live: dict[str, object], job_id: str) -> object:
    seen = live.get(job_id)
    return seen[0] if isinstance(seen, tuple) else None
