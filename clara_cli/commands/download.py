"""`clara download`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, global_options, notice, settings, warn
from clara_cli.errors import UsageError


@click.command("download", cls=ClaraCommand)
@click.argument("source", metavar="JOB_ID:PATH", required=False)
@click.argument("destination", metavar="FOLDER", required=False)
@global_options
@click.pass_context
def command(context: click.Context, source: str | None, destination: str | None) -> None:
    """Copy files of a job's payload to a local folder, which is made when it is missing.

    PATH is a file, a folder or a pattern such as /operators/my-operator/* or /operators/my-operator/*.csv; clara
    matches it, not the shell. Files keep their path below the pattern's fixed part.
    """
    from clara_cli.jobs.files import fetch

    if source is None or destination is None:
        raise UsageError("expected two words: clara download JOB_ID:/operators/OPERATOR/'*' FOLDER")
    with settings().database() as (database, _):
        click.echo("Downloading...")
        fetched = fetch(database, source, destination)
    if fetched.notice:
        notice(f"Notice: {fetched.notice}")
    for path in fetched.download.left_out:
        warn(f"{path} is a link out of the payload: left out")
    click.echo(f"Downloaded {len(fetched.download.files)} files.")
