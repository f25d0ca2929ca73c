"""Jobs in the database. Every function takes the connection of the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clara_cli.errors import NotFound, StateConflict
from clara_cli.jobs.model import Job, Message, OperatorRecord
from clara_cli.jobs.states import (
    JobEvent,
    JobPriority,
    JobState,
    JobStatus,
    OperatorEvent,
    OperatorStatus,
    next_job_state,
    next_operator_status,
)
from clara_cli.stored_paths import loaded_path, stored_path

if TYPE_CHECKING:
    from clara_cli.runtime.usage import Usage

RECORD = "id, payload_id, pipeline_id, name, state, status, priority, created, submitted, started, stopped"


def insert_job(connection: sqlite3.Connection, job: Job, operators: list[tuple[str, str]]) -> None:
    """Store a new job and its operators, given as (name, image with tag) in the order of the definition.

    The job gets its own copy of the pipeline's files.
    """
    connection.execute(
        f"INSERT INTO jobs ({RECORD}, folder, definition, templated) VALUES ({', '.join('?' * 14)})",
        (
            *(job.id, job.payload_id, job.pipeline_id, job.name),
            *(job.state.value, job.status.value, job.priority.value),
            *(job.created, job.submitted, job.started, job.stopped),
            *(stored_path(job.folder), job.definition, job.templated),
        ),
    )
    connection.execute(
        "INSERT INTO job_files SELECT ?, position, path, content FROM pipeline_files WHERE pipeline_id = ?",
        (job.id, job.pipeline_id),
    )
    _insert_operators(connection, job.id, operators)


def _insert_operators(connection: sqlite3.Connection, job_id: str, operators: list[tuple[str, str]]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO operators (job_id, position, name, image, status) VALUES (?, ?, ?, ?, 'PENDING')",
        [(job_id, position, name, image) for position, (name, image) in enumerate(operators)],
    )


def fill_job(
    connection: sqlite3.Connection,
    job_id: str,
    definition: str,
    operators: list[tuple[str, str]],
    variables: Mapping[str, str],
) -> None:
    """Keep what a job's definition came to when its start was accepted, and the values that it was given."""
    connection.execute(
        "UPDATE jobs SET definition = ?, variables = ? WHERE id = ?", (definition, json.dumps(dict(variables)), job_id)
    )
    # Those that were taken over from another job stay as they are.
    connection.execute("DELETE FROM operators WHERE job_id = ? AND status = 'PENDING'", (job_id,))
    _insert_operators(connection, job_id, operators)


def job_files(connection: sqlite3.Connection, job_id: str) -> list[tuple[str, bytes]]:
    """Path and content of the files a job was made of, the one with the operators first."""
    query = "SELECT path, content FROM job_files WHERE job_id = ? ORDER BY position"
    return [(loaded_path(path), content) for path, content in connection.execute(query, (job_id,))]


def list_jobs(connection: sqlite3.Connection) -> list[Job]:
    """All jobs, newest first, without their definitions."""
    rows = connection.execute(f"SELECT {RECORD}, '', '', 0, '' FROM jobs ORDER BY created DESC, rowid DESC")
    return [job_of(row) for row in rows]


def get_job(connection: sqlite3.Connection, job_id: str) -> Job:
    """The whole record of a job; NotFound when it has been deleted."""
    query = f"SELECT {RECORD}, folder, definition, templated, variables FROM jobs WHERE id = ?"
    row = connection.execute(query, (job_id,)).fetchone()
    if row is None:
        raise NotFound(f"job {job_id} was deleted meanwhile", kind="job")
    job = job_of(row)
    return job._replace(folder=loaded_path(job.folder))


def state_of(connection: sqlite3.Connection, job_id: str) -> JobState:
    """The state of a job; NotFound when it has been deleted."""
    row = connection.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise NotFound(f"job {job_id} was deleted meanwhile", kind="job")
    return JobState(row[0])


def states_of(connection: sqlite3.Connection, jobs: Collection[str]) -> dict[str, JobState]:
    """The states of jobs by their ids, without those that have been deleted."""
    query = "SELECT id, state FROM jobs WHERE id IN (SELECT value FROM json_each(?))"
    return {job_id: _STATES[state] for job_id, state in connection.execute(query, (json.dumps(list(jobs)),))}


def get_operators(connection: sqlite3.Connection, job_id: str) -> list[OperatorRecord]:
    """A job's operators in the order of the definition."""
    rows = connection.execute(
        "SELECT name, image, status, started, stopped, exit_code, mounted, cpu_seconds, peak_memory FROM operators"
        " WHERE job_id = ? ORDER BY position",
        (job_id,),
    )
    return [
        OperatorRecord._make(
            (name, image, OperatorStatus(status), *times, None if mounted is None else bool(mounted), *used)
        )
        for name, image, status, *times, mounted, used in ((*row[:7], row[7:]) for row in rows)
    ]


def set_mounted(connection: sqlite3.Connection, job_id: str, mounted: Mapping[str, bool]) -> None:
    """Note which operators run with mounts, by name."""
    connection.executemany(
        "UPDATE operators SET mounted = ? WHERE job_id = ? AND name = ?",
        [(value, job_id, name) for name, value in mounted.items()],
    )


def get_messages(connection: sqlite3.Connection, job_id: str) -> list[Message]:
    """A job's messages, oldest first."""
    query = "SELECT created, severity, text FROM messages WHERE job_id = ? ORDER BY rowid"
    return [Message(*row) for row in connection.execute(query, (job_id,))]


def add_message(
    connection: sqlite3.Connection, job_id: str, severity: str, text: str, now: float | None = None
) -> None:
    # It may quote the name of a file, which may be any bytes.
    text = text.encode("utf-8", "backslashreplace").decode()
    connection.execute(
        "INSERT INTO messages VALUES (?, ?, ?, ?)", (job_id, time.time() if now is None else now, severity, text)
    )


def submit_job(connection: sqlite3.Connection, job_id: str, parent: str | None = None) -> None:
    """Note that a start was accepted.

    Args:
        parent: the job whose operator asked for the start.

    Raises:
        StateConflict: the job was started before, or has ended.
        NotFound: it was deleted meanwhile.
    """
    changed = connection.execute(
        "UPDATE jobs SET submitted = max(?, created), parent = ? "
        "WHERE id = ? AND state = 'PENDING' AND submitted IS NULL",
        (time.time(), parent, job_id),
    )
    if changed.rowcount == 0:
        raise _started_before(get_job(connection, job_id))


def cancel(connection: sqlite3.Connection, job_id: str, reason: str) -> None:
    """End a job that has not begun to run."""
    ask_to_cancel(connection, job_id, reason)
    add_message(connection, job_id, "info", f"cancelled: {reason}")
    change_job(connection, job_id, JobEvent.CANCEL)


def ask_to_cancel(connection: sqlite3.Connection, job_id: str, reason: str) -> None:
    """Leave word for the job's runner why it is to end; the first reason stays."""
    connection.execute("UPDATE jobs SET cancel = coalesce(cancel, ?) WHERE id = ?", (reason, job_id))


def cancel_reason(connection: sqlite3.Connection, job_id: str) -> str | None:
    """Why somebody asked for the job's end; None when nobody did."""
    row = connection.execute("SELECT cancel FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return row[0] if row else None


def check_not_submitted(job: Job) -> None:
    """Raise StateConflict when a job was started before, or has ended."""
    if job.submitted is not None or job.state is not JobState.PENDING:
        raise _started_before(job)


def _started_before(job: Job) -> StateConflict:
    return StateConflict(
        f"job {job.id} was started before: it is {job.state.wire}, {job.status.wire}",
        hint="a job runs once; clara create job makes a new one",
    )


def change_job(connection: sqlite3.Connection, job_id: str, event: JobEvent, now: float | None = None) -> None:
    """Apply an event; StateConflict when the job is not in a state that allows it.

    Args:
        now: seconds since 1970 UTC. Whatever the clock says, no time is before the one that it follows.
    """
    state, status = next_job_state(state_of(connection, job_id), event)
    column, after = ("started", "submitted") if state is JobState.RUNNING else ("stopped", "started")
    connection.execute(
        f"UPDATE jobs SET state = ?, status = ?, {column} = max(?, coalesce({after}, created)) WHERE id = ?",
        (state.value, status.value, time.time() if now is None else now, job_id),
    )


def change_operator(
    connection: sqlite3.Connection,
    job_id: str,
    name: str,
    event: OperatorEvent,
    exit_code: int | None = None,
    now: float | None = None,
    used: Usage | None = None,
) -> None:
    """Apply an event to one operator, as `change_job`; StateConflict when its status does not allow it."""
    (current,) = connection.execute(
        "SELECT status FROM operators WHERE job_id = ? AND name = ?", (job_id, name)
    ).fetchone()
    status = next_operator_status(OperatorStatus(current), event)
    column = "started" if status is OperatorStatus.RUNNING else "stopped"
    connection.execute(
        f"UPDATE operators SET status = ?, exit_code = ?, {column} = max(?, coalesce(started, 0)), "
        "cpu_seconds = ?, peak_memory = ? WHERE job_id = ? AND name = ?",
        (status.value, exit_code, time.time() if now is None else now, *(used or (None, None)), job_id, name),
    )


def end_job(connection: sqlite3.Connection, job_id: str, event: JobEvent, now: float | None = None) -> None:
    """End a job that has no runner any more: its running operators are faulted with it."""
    for operator in get_operators(connection, job_id):
        if operator.status is OperatorStatus.RUNNING:
            change_operator(connection, job_id, operator.name, OperatorEvent.FAULT, now=now)
    change_job(connection, job_id, event, now)


_STATES = {state.value: state for state in JobState}
_STATUSES = {status.value: status for status in JobStatus}
_PRIORITIES = {priority.value: priority for priority in JobPriority}


def job_of(row: Sequence[Any]) -> Job:
    known = (_STATES[row[4]], _STATUSES[row[5]], _PRIORITIES[row[6]])
    return Job._make((*row[:4], *known, *row[7:13], bool(row[13]), json.loads(row[14]) if row[14] else {}))
