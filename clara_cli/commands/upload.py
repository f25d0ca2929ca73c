"""`clara upload`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, Flag, first_of, global_options, settings
from clara_cli.commands.showing import brief_option, tell
from clara_cli.commands.transfer import transfer_meter
from clara_cli.errors import UsageError
from clara_cli.home import from_home


@click.command("upload", cls=ClaraCommand)
@click.option("-p", "--payload", cls=Flag, metavar="ID", help="The payload, or the job it belongs to, by id.")
@click.option("--to", "folder", default="", metavar="FOLDER", help="A folder in it, which is made when it is missing.")
@click.option("--no-clobber", is_flag=True, help="Refuse, if a file of the same name is there.")
@click.argument("files", nargs=-1, metavar="FILE...")
@brief_option
@global_options
def command(payload: str, folder: str, no_clobber: bool, files: tuple[str, ...]) -> None:
    """Copy files, and the content of folders, into a payload.

    They land in the top folder of a reusable payload, or in the input of a job that was not started. Files of the
    same name are replaced, each at once. Nothing is changed unless everything could be copied.
    """
    if not files or not all(map(str.strip, files)):
        raise UsageError("say what to upload: clara upload -p PAYLOAD_ID FILE...")
    with settings().site() as site:
        tell("Uploading...")
        with transfer_meter("Uploading") as meter:
            sources = [from_home(name) for name in files]
            count = site.payloads.upload(first_of(payload)[0], sources, folder, meter, clobber=not no_clobber)
    tell(f"Uploaded {count} files.")
