"""`clara list jobs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clara_cli.commands.base import ClaraCommand, global_options, settings
from clara_cli.commands.showing import listed, output_option, quiet_option, show_text
from clara_cli.output import table

if TYPE_CHECKING:
    from clara_cli.commands.records import Record
    from clara_cli.site.interface import Site

_HEADER = ("NAME", "ID", "PIPELINE", "STATE", "STATUS", "PRIORITY", "CREATED", "STARTED", "STOPPED")


def _records(site: Site) -> list[Record]:
    from clara_cli.commands.records import job_record

    return [job_record(job) for job in site.jobs.list()]


@click.command("job", cls=ClaraCommand)
@quiet_option
@output_option
@global_options
def command(quiet: bool, output: str) -> None:
    """List all jobs (also: jobs)."""
    with settings().site() as site:
        text = listed(
            output,
            quiet,
            site.jobs.ids,
            lambda: _records(site),
            lambda: table(_HEADER, site.jobs.rows()),
        )
    show_text(text)
