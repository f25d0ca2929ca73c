"""`clara cancel job`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, global_options, settings
from clara_cli.commands.several import each, ids_option, meant
from clara_cli.commands.showing import brief_option, tell


@click.command("cancel", cls=ClaraCommand)
@ids_option("j", "job")
@click.option("--reason", metavar="TEXT", default="clara cancel", show_default=True, help="Kept with the job.")
@brief_option
@global_options
@click.pass_context
def command(context: click.Context, given: tuple[str, ...], reason: str) -> None:
    """Cancel jobs that wait or run, and return when they have ended: clara cancel job -j ID.

    Operators are asked to end (SIGTERM) and killed 10 seconds later. What the job wrote is kept. Exit status: 0 if
    every job was cancelled, 1 if one had ended already or is not known.
    """
    texts = meant(context, given, "job")
    with settings().site() as site:
        # All are asked before any is waited for.
        asked, all_asked = each(texts, lambda text: site.jobs.ask_to_cancel(text, " ".join(reason.split())))

        def finish(job_id: str) -> None:
            job = site.jobs.finish_cancelling(job_id)
            tell(f"Job {job.id} cancelled: {job.state.wire}, {job.status.wire}")

        _, all_ended = each(dict.fromkeys(asked), finish)
    if not (all_asked and all_ended):
        raise click.exceptions.Exit(1)
