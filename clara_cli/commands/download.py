"""`clara download`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, global_options, notice, settings, warn
from clara_cli.commands.showing import brief_option, tell
from clara_cli.commands.transfer import transfer_meter
from clara_cli.errors import PayloadError, UsageError


@click.command("download", cls=ClaraCommand)
@click.option("--no-clobber", is_flag=True, help="Refuse, with a list, if files are there already.")
@click.argument("source", metavar="JOB_ID:PATH", required=False)
@click.argument("destination", metavar="DESTINATION", required=False)
@brief_option
@global_options
def command(no_clobber: bool, source: str | None, destination: str | None) -> None:
    """Copy files of a job or payload to a local folder, which is made when it is missing.

    PATH is a file, a folder or a pattern such as /operators/my-operator/* or /operators/my-operator/*.csv; clara
    matches it, not the shell. Files keep their path below the pattern's fixed part. One file without a pattern may be
    given a name of its own: DESTINATION is then that file.

    Files of the same name are replaced, each at once. A download that was interrupted goes on where it was, if the
    file has not changed since. Links that lead out of the payload are not followed.
    """
    from clara_cli.payloads.names import show_name

    if source is None or destination is None:
        raise UsageError("expected two words: clara download JOB_ID:/operators/OPERATOR/'*' DESTINATION")
    with settings().site() as site:
        found = site.payloads.files(source)
        tell("Downloading...")
        if found.notice:
            notice(f"Notice: {found.notice}")
        for entry in found.left_out:
            warn(f"{show_name(entry.name)} is left out: {entry.fault}")
        with transfer_meter("Downloading") as meter:
            done = found.download(destination, meter, clobber=not no_clobber)
    tell(f"Downloaded {len(done.written)} files.")
    if done.failed:
        listed = "\n".join(f"  {show_name(name)}: {why}" for name, why in done.failed)
        raise PayloadError(f"{len(done.failed)} files were left out:\n{listed}")
