"""`clara upload`."""

from __future__ import annotations

from pathlib import Path

import click

from clara_cli.commands.base import ClaraCommand, Flag, first_of, global_options, settings
from clara_cli.commands.transfer import transfer_meter
from clara_cli.errors import UsageError


@click.command("upload", cls=ClaraCommand)
@click.option("-p", "--payload", cls=Flag, metavar="ID", help="The payload, or the job it belongs to, by id.")
@click.option("--to", "folder", default="", metavar="FOLDER", help="A folder in it, which is made when it is missing.")
@click.option("--no-clobber", is_flag=True, help="Refuse, if a file of the same name is there.")
@click.argument("files", nargs=-1, metavar="FILE...")
@global_options
def command(payload: str, folder: str, no_clobber: bool, files: tuple[str, ...]) -> None:
    """Copy files, and the content of folders, into a payload.

    They land in the top folder of a reusable payload, or in the input of a job that was not started. Files of the
    same name are replaced, each at once. Nothing is changed unless everything could be copied.
    """
    from clara_cli.payloads.actions import upload_files

    if not files or not all(map(str.strip, files)):
        raise UsageError("say what to upload: clara upload -p PAYLOAD_ID FILE...")
    with settings().database() as (database, _):
        click.echo("Uploading...")
        with transfer_meter("Uploading") as meter:
            sources = [Path(name).expanduser() for name in files]
            done = upload_files(database, first_of(payload)[0], sources, folder, meter, clobber=not no_clobber)
    click.echo(f"Uploaded {done.count} files.")
