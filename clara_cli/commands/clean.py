"""`clara clean`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, global_options, notice, settings
from clara_cli.commands.showing import brief_option, tell
from clara_cli.commands.transfer import confirm, yes_option
from clara_cli.errors import UsageError
from clara_cli.output import table, utc
from clara_cli.quantities import parse_age, parse_size, show_size
from clara_cli.retention import FAILED_FACTOR, Retention


@click.command("clean", cls=ClaraCommand)
@click.option("--older-than", metavar="AGE", help="Remove what ended longer ago, such as 7d or 12h.")
@click.option(
    "--failed-older-than",
    metavar="AGE",
    help=f"The same for jobs that did not end well (default: {FAILED_FACTOR} times --older-than).",
)
@click.option("--max-size", metavar="SIZE", help="Remove the oldest until the rest takes less, such as 50G.")
@click.option("--dry-run", is_flag=True, help="List what would be removed; remove nothing.")
@yes_option
@brief_option
@global_options
def command(
    older_than: str | None, failed_older_than: str | None, max_size: str | None, dry_run: bool, yes: bool
) -> None:
    """Remove payloads of jobs that have ended; their records and logs stay.

    Payloads of pending and running jobs and reusable ones are never touched. With --max-size jobs that ended well go
    first. Without any limit those under `clean` in the configuration apply, which are also applied when a job ends.
    """
    with settings().site() as site:
        chosen = site.jobs.cleanable(_limits(older_than, failed_older_than, max_size))
        if not dry_run and chosen:
            confirm(f"Remove the payloads of {len(chosen)} ended jobs?", yes)
            chosen = site.jobs.clean(chosen)
    if chosen:
        rows = [
            (ended.name, ended.payload_id, ended.job_id, ended.status, utc(ended.stopped), ended.size)
            for ended in chosen
        ]
        tell(table(["NAME", "ID", "JOB", "STATUS", "STOPPED", "BYTES"], rows))
    size = show_size(sum(ended.size for ended in chosen))
    notice(f"{len(chosen)} payloads, {size}: {'would be removed' if dry_run else 'removed'}")


def _limits(older_than: str | None, failed_older_than: str | None, max_size: str | None) -> Retention | None:
    """The limits of the command line; None when it has none."""
    if older_than is None and failed_older_than is None and max_size is None:
        return None
    try:
        return Retention.of(
            parse_age(older_than) if older_than is not None else None,
            parse_age(failed_older_than) if failed_older_than is not None else None,
            parse_size(max_size) if max_size is not None else None,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
