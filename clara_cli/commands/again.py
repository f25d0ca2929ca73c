"""`--resume` and `--from`: how a job that is run again is announced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from clara_cli.commands.base import notice
from clara_cli.commands.showing import tell, tell_id

if TYPE_CHECKING:
    from clara_cli.site.interface import Site


def make_again(site: Site, text: str, start: str | None, values: Mapping[str, str]) -> str:
    """Make the job that goes on from another one, print its ids, and say on stderr what it takes over.

    Returns:
        the id of the new job.
    """
    again = site.jobs.again(text, start, values)
    tell_id("JOB_ID", again.job_id)
    tell(f"PAYLOAD_ID: {again.payload_id}")
    for told in again.notices:
        notice(f"Notice: {told}")
    if again.reused:
        notice(f"taken over: {', '.join(again.reused)} ({again.shared})")
    notice(f"to run: {', '.join(again.running) or 'nothing'}")
    return again.job_id
