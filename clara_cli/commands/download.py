"""`clara download`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, global_options, notice, settings, warn
from clara_cli.errors import UsageError


@click.command("download", cls=ClaraCommand)
@click.argument("source", metavar="JOB_ID:PATH", required=False)
@click.argument("destination", metavar="DESTINATION", required=False)
@global_options
@click.pass_context
def command(context: click.Context, source: str | None, destination: str | None) -> None:
    """Copy files of a job's payload to a local folder, which is made when it is missing.

    PATH is a file, a folder or a pattern such as /operators/my-operator/* or /operators/my-operator/*.csv; clara
    matches it, not the shell. Files keep their path below the pattern's fixed part. One file without a pattern may be
    given a name of its own: DESTINATION is then that file.
    """
    from clara_cli.jobs.files import find_files
    from clara_cli.payloads.download import download

    if source is None or destination is None:
        raise UsageError("expected two words: clara download JOB_ID:/operators/OPERATOR/'*' DESTINATION")
    with settings().database() as (database, _):
        found = find_files(database, source)
    click.echo("Downloading...")
    if found.notice:
        notice(f"Notice: {found.notice}")
    for path in found.selection.left_out:
        warn(f"{path} is left out: it is no file, or a link that leads out of the payload, nowhere, or to a folder")
    written = download(found.selection, destination)
    click.echo(f"Downloaded {len(written)} files.")
