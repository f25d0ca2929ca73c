"""`clara list pipelines`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, global_options, settings
from clara_cli.commands.showing import output_option, quiet_option, show_list
from clara_cli.output import table


@click.command("pipeline", cls=ClaraCommand)
@quiet_option
@output_option
@global_options
def command(quiet: bool, output: str) -> None:
    """List the stored pipelines (also: pipelines)."""
    from clara_cli.commands.records import pipeline_record

    with settings().site() as site:
        found = site.pipelines.list()
    show_list(
        output,
        quiet,
        lambda: [record.id for record in found],
        lambda: [pipeline_record(record) for record in found],
        lambda: table(["NAME", "ID"], [(record.name, record.id) for record in found]),
    )
