"""`clara wait job`."""

from __future__ import annotations

import time

import click

from clara_cli.commands.base import ClaraCommand, global_options, notice, settings
from clara_cli.commands.several import ids_option, meant
from clara_cli.commands.showing import brief_option, tell
from clara_cli.errors import UsageError

# As timeout(1) of the shell.
_TIMED_OUT = 124


@click.command("wait", cls=ClaraCommand)
@ids_option("j", "job")
@click.option("--timeout", metavar="SECONDS", help="Wait no longer than this; 0 only looks.")
@brief_option
@global_options
@click.pass_context
def command(context: click.Context, given: tuple[str, ...], timeout: str | None) -> None:
    """Wait until jobs have ended, also those that nobody has started yet: clara wait job ID ...

    Prints a line for each job that ended, its id and its status. Exit status: 0 if all ended well, 1 if not, 124 if
    one had not ended in time.
    """
    from clara_cli.jobs.states import JobState

    texts = meant(context, given, "job")
    seconds = None if timeout is None else _seconds(timeout)
    code = 0
    with settings().site() as site:
        ids = site.jobs.find(texts)
        deadline = None if seconds is None else time.monotonic() + seconds
        for job_id in ids:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            job = site.jobs.wait(job_id, left)
            if job.state is JobState.STOPPED:
                tell(f"{job.id} {job.status.wire}")
                code = code or int(not job.succeeded)
            else:
                notice(f"job {job.id} has not ended after {seconds:g} s: it is {job.state.wire}")
                code = _TIMED_OUT
    if code:
        raise click.exceptions.Exit(code)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 1e8:
        raise UsageError(f'--timeout is "{text}": expected a number of seconds, such as 60 or 0.5')
    return seconds
