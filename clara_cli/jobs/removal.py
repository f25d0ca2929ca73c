"""Deleting jobs, with their logs and payloads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clara_cli.database import Database
from clara_cli.errors import StateConflict
from clara_cli.ids import resolve
from clara_cli.jobs import store
from clara_cli.jobs.model import Job
from clara_cli.jobs.states import JobState
from clara_cli.payloads.removal import finish_removal, note_removal


def find_jobs(database: Database, texts: Iterable[str]) -> list[Job]:
    """The jobs that are meant, each once, if all of them can be deleted.

    Raises:
        NotFound: one does not exist.
        StateConflict: one runs, or waits for its turn; says so for all of them at once.
    """
    with database.read() as connection:
        ids = dict.fromkeys(resolve(connection, "job", text) for text in texts)
        jobs = [store.get_job(connection, job_id) for job_id in ids]
    _check(jobs)
    return jobs


def _check(jobs: Iterable[Job]) -> None:
    live = [job for job in jobs if job.state is not JobState.STOPPED and job.submitted is not None]
    if live:
        words = {JobState.RUNNING: "runs", JobState.PENDING: "waits for its turn"}
        raise StateConflict(
            "\n".join(f"job {job.id} {words[job.state]}: it cannot be deleted" for job in live),
            hint=f"clara cancel job {' '.join(job.id for job in live)}",
        )


def delete_jobs(database: Database, jobs: Sequence[Job], keep_payload: bool = False) -> None:
    """Delete jobs with their logs and payloads, all or none.

    Raises:
        StateConflict: one was started meanwhile; nothing is deleted.
        PayloadError: the jobs are deleted, but a folder of theirs cannot be removed.
    """
    root = database.root
    # No lock is needed: a start is accepted in one transaction, which finds no such job any more, or came before.
    with database.write() as connection:
        _check(store.get_job(connection, job.id) for job in jobs)
        for job in jobs:
            connection.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
            note_removal(connection, root.path, root.jobs / job.id)
            if not keep_payload:
                connection.execute("DELETE FROM payloads WHERE id = ?", (job.payload_id,))
                note_removal(connection, root.path, root.payloads / job.payload_id)
    finish_removal(database)
