"""Deleting jobs: the record goes first, with a note of the folders; whoever looks next removes what is left of them."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from clara_cli.database import Database
from clara_cli.errors import PayloadError, StateConflict
from clara_cli.ids import resolve
from clara_cli.jobs import listing, store
from clara_cli.jobs.model import Job
from clara_cli.jobs.states import JobState
from clara_cli.payloads.removal import remove_tree

# What a folder is called while it is being removed.
_ASIDE = ".deleted-"


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
    left = remove_noted(database)
    if left:
        raise PayloadError("deleted, but these folders cannot be removed:\n" + "\n".join(left))


def note_removal(connection: sqlite3.Connection, root: Path, folder: Path) -> None:
    """From now on the folder does not count any more: `remove_noted` removes it, now or after a crash."""
    connection.execute("INSERT OR IGNORE INTO deletions VALUES (?)", (str(folder.relative_to(root)),))


def remove_noted(database: Database) -> list[str]:
    """Remove the folders of what was deleted, except those that another process is removing.

    Returns:
        those that cannot be removed, where they are now; it is tried again the next time.
    """
    with database.read() as connection:
        folders = listing.noted_removals(connection)
    left = []
    for name in folders:
        folder = database.root.path / name
        aside = folder.with_name(_ASIDE + folder.name)
        try:
            with suppress(FileNotFoundError):
                folder.rename(aside)
        except OSError:
            left.append(str(folder))
            continue
        with _alone(aside) as alone:
            if not alone:
                continue
            if not remove_tree(aside):
                left.append(str(aside))
                continue
        with database.write() as connection:
            connection.execute("DELETE FROM deletions WHERE folder = ?", (name,))
    return left


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other process is at this folder; none will be as long as this lasts."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield True  # gone, or not to be opened but perhaps to be removed
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)
