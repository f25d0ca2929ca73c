"""`--resume` and `--from`: how a job that is run again is announced."""

from __future__ import annotations

from collections.abc import Mapping

from clara_cli.commands.base import notice
from clara_cli.commands.showing import tell, tell_id
from clara_cli.database import Database


def make_again(database: Database, text: str, start: str | None, values: Mapping[str, str]) -> str:
    """Make the job that goes on from another one, print its ids, and say on stderr what it takes over.

    Returns:
        the id of the new job.
    """
    from clara_cli.jobs.rerun import rerun_job

    again = rerun_job(database, text, start, values)
    tell_id("JOB_ID", again.job.id)
    tell(f"PAYLOAD_ID: {again.job.payload_id}")
    for told in again.notices:
        notice(f"Notice: {told}")
    if again.reused:
        notice(f"taken over: {', '.join(again.reused)} ({again.shared})")
    notice(f"to run: {', '.join(again.running) or 'nothing'}")
    return again.job.id
