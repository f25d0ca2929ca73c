"""What dead processes left: jobs without a runner are cleared and marked as evicted by the next command that looks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from clara_cli.errors import ClaraError, NotFound
from clara_cli.jobs.listing import any_placed, live_jobs
from clara_cli.payloads.removal import noted_removals, remove_noted

if TYPE_CHECKING:
    from clara_cli.database import Database
    from clara_cli.jobs.claims import Settled
    from clara_cli.jobs.states import JobEvent

_MESSAGE = (
    "the job's runner ended without notice (killed, or the machine was restarted); files and logs are kept, "
    "clara start job -j {} --resume runs the job again from there"
)


def recover(database: Database) -> list[str]:
    """End what is left of jobs without a runner; returns the ids of the jobs that were evicted.

    What is new of jobs that run elsewhere is taken in.

    Folders of deleted jobs, whose removal did not come to its end, are removed.

    What it costs depends on the jobs that were started and have not ended, not on how many there are.
    """
    with database.read() as connection:
        candidates = live_jobs(connection)
        away = any_placed(connection)
        deleted = noted_removals(connection)
    if away:
        from clara_cli.jobs.intake import refresh

        refresh(database)
    if deleted:
        remove_noted(database)
    return [job_id for job_id in candidates if evict(database, job_id)]


def evict(database: Database, job_id: str, event: JobEvent | None = None, message: str = _MESSAGE) -> bool:
    """End a job whose runner is dead, as evicted if nothing else is said; False when it lives, or the job has ended."""
    # Loaded when they are needed: most commands that look find nothing to do.
    from clara_cli.jobs import lock, store
    from clara_cli.jobs.states import JobEvent, JobState
    from clara_cli.runtime.strays import end_strays

    folder = database.root.jobs / job_id
    try:
        handle = lock.acquire(folder)
    except ClaraError:
        return False  # not this user's to clear
    if handle is None:
        return False
    try:
        end_strays(job_id)
        with database.write() as connection:
            # Looked at again under the lock: its runner may have come to a good end in between.
            if store.state_of(connection, job_id) is JobState.STOPPED:
                return False
            store.end_job(connection, job_id, event or JobEvent.EVICT)
            store.add_message(connection, job_id, "error", message.format(job_id))
    except NotFound:
        # Deleted meanwhile: nothing of it may come back.
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
        return False
    finally:
        os.close(handle)
    release_room(database)
    return True


def release_room(database: Database) -> None:
    """A job has ended: what it held goes to those who wait."""
    from clara_cli.jobs import claims

    with database.read() as connection:
        if not claims.anybody_waits(connection):
            return
    with database.write() as connection:
        settled = claims.settle(connection, database.root)
    follow_up(database, settled)


def follow_up(database: Database, settled: Settled, this: str | None = None) -> None:
    """After a transaction in which room was given away: wake who got some, clear away the dead who hold some.

    Args:
        this: the job of the caller, which knows already.
    """
    from clara_cli.jobs import claims

    claims.wake(settled.woken - {this})
    for job_id in settled.dead:
        evict(database, job_id)
