"""`clara list jobs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clara_cli.commands.base import ClaraCommand, global_options, settings
from clara_cli.commands.showing import listed, output_option, quiet_option, show_text
from clara_cli.output import table

if TYPE_CHECKING:
    import sqlite3

    from clara_cli.commands.records import Record

_HEADER = ("NAME", "ID", "PIPELINE", "STATE", "STATUS", "PRIORITY", "CREATED", "STARTED", "STOPPED")


def _records(connection: sqlite3.Connection) -> list[Record]:
    from clara_cli.commands.records import job_record
    from clara_cli.jobs.store import list_jobs

    return [job_record(job) for job in list_jobs(connection)]


@click.command("job", cls=ClaraCommand)
@quiet_option
@output_option
@global_options
def command(quiet: bool, output: str) -> None:
    """List all jobs (also: jobs)."""
    from clara_cli.jobs.listing import job_ids, job_rows
    from clara_cli.jobs.recovery import recover

    with settings().database() as (database, _):
        recover(database)
        with database.read() as connection:
            text = listed(
                output,
                quiet,
                lambda: job_ids(connection),
                lambda: _records(connection),
                lambda: table(_HEADER, job_rows(connection)),
            )
    show_text(text)
