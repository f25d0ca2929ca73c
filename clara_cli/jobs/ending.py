"""Cancelling jobs, and waiting for their end, from any process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from clara_cli.database import Database
from clara_cli.errors import StateConflict
from clara_cli.ids import resolve
from clara_cli.jobs import claims, lock, placed, store
from clara_cli.jobs.model import Job
from clara_cli.jobs.recovery import evict, release_room
from clara_cli.jobs.states import JobEvent, JobState, JobStatus
from clara_cli.runtime.stop import GRACE

# Seconds beyond the grace of the operators that a runner has; then it is asked again, at last it is killed itself.
_PATIENCE = 5.0
# Seconds between looks at a job that nobody has started: nothing tells when that happens.
_LOOK = 0.2


def ask_to_cancel(database: Database, text: str, reason: str) -> str:
    """Cancel a job that waits; ask the runner of one that runs to end it. Returns its id.

    Raises:
        NotFound: no such job.
        StateConflict: it has ended.
    """
    with database.write() as connection:
        job = store.get_job(connection, resolve(connection, "job", text))
        if job.state is JobState.STOPPED:
            raise StateConflict(f"job {job.id} has ended already: {job.state.wire}, {job.status.wire}")
        away = placed.find(connection, job.id) is not None
        if job.state is JobState.PENDING and not away:
            store.cancel(connection, job.id, reason)
        else:
            store.ask_to_cancel(connection, job.id, reason)
    if away:
        return job.id  # `end_elsewhere` has it ended there
    claims.wake([job.id], b"cancel")
    if job.state is JobState.PENDING:
        release_room(database)
    return job.id


def end_elsewhere(database: Database, jobs: Iterable[str]) -> None:
    """Have jobs that were asked to end, and run elsewhere, ended there; nothing for those of this machine.

    Raises:
        RuntimeFailure: Slurm does not answer.
    """
    with database.read() as connection:
        away = [job_id for job_id in jobs if placed.find(connection, job_id) is not None]
    if away:
        from clara_cli.jobs import placing

        placing.cancel(database, away)


def finish_cancelling(database: Database, job_id: str) -> Job:
    """Wait until a job that was asked to end has ended: its operators are asked, then killed, at last its runner.

    Raises:
        StateConflict: it ended by itself before that.
    """
    folder = database.root.jobs / job_id
    if _is_away(database, job_id):
        from clara_cli.jobs import following

        following.finish_cancelling(database, job_id)
    elif _job(database, job_id).state is JobState.RUNNING:
        if not lock.wait_for_release(folder, GRACE + _PATIENCE):
            claims.wake([job_id], b"cancel")
            if not lock.wait_for_release(folder, _PATIENCE):
                _kill_runner(folder)
                lock.wait_for_release(folder, _PATIENCE)
                evict(database, job_id, JobEvent.CANCEL, "cancelled: the job's runner did not answer and was killed")
        evict(database, job_id)
    job = _job(database, job_id)
    if job.state is not JobState.STOPPED:
        raise StateConflict(f"job {job_id} does not end: it is {job.state.wire} still")
    if job.status is not JobStatus.CANCELED:
        raise StateConflict(f"job {job_id} ended by itself before it could be cancelled: {job.status.wire}")
    return job


def _kill_runner(folder: Path) -> None:
    pid = lock.signer(folder)
    if pid is None or pid == os.getpid():
        return
    with suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            # As long as the lock is held its signer lives, so the number is nobody else's.
            if lock.is_held(folder) and lock.signer(folder) == pid:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def wait_for_end(database: Database, job_id: str, seconds: float | None = None) -> Job:
    """Wait until a job has ended, however that comes about.

    Args:
        seconds: how long at the most; None for ever.

    Returns:
        its record, which says whether it has ended.

    Raises:
        NotFound: it is deleted meanwhile.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        job = _job(database, job_id)
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if job.state is JobState.STOPPED or left == 0.0:
            return job
        if _is_away(database, job_id):
            from clara_cli.jobs import following

            following.wait_for_end(database, job_id, deadline)
        elif job.submitted is None:
            time.sleep(_LOOK if left is None else min(_LOOK, left))
        elif lock.wait_for_release(database.root.jobs / job_id, left):
            evict(database, job_id)


def _is_away(database: Database, job_id: str) -> bool:
    with database.read() as connection:
        return placed.find(connection, job_id) is not None


def _job(database: Database, job_id: str) -> Job:
    with database.read() as connection:
        return store.get_job(connection, job_id)
