"""Jobs whose runner died: found by the next command that looks, cleared, and marked as evicted."""

from __future__ import annotations

import os

from clara_cli.database import Database
from clara_cli.errors import ClaraError
from clara_cli.jobs import lock, store
from clara_cli.jobs.states import JobEvent, JobState
from clara_cli.runtime.strays import end_strays

_MESSAGE = "the job's runner ended without notice (killed, or the machine was restarted); files and logs are kept"


def recover(database: Database) -> list[str]:
    """End what is left of jobs without a runner; returns the ids of the jobs that were evicted."""
    with database.read() as connection:
        candidates = store.unfinished_jobs(connection)
    return [job_id for job_id in candidates if _evict(database, job_id)]


def _evict(database: Database, job_id: str) -> bool:
    try:
        handle = lock.acquire(database.root.jobs / job_id)
    except ClaraError:
        return False  # not this user's to clear
    if handle is None:
        return False
    try:
        end_strays(job_id)
        with database.write() as connection:
            # Looked at again under the lock: its runner may have come to a good end in between.
            if store.get_job(connection, job_id).state is JobState.STOPPED:
                return False
            store.end_job(connection, job_id, JobEvent.EVICT)
            store.add_message(connection, job_id, "error", _MESSAGE)
        return True
    finally:
        os.close(handle)
