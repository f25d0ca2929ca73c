"""`clara list images`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, global_options, settings
from clara_cli.commands.showing import output_option, show_list
from clara_cli.output import table


@click.command("image", cls=ClaraCommand)
@click.option("-q", "--quiet", is_flag=True, help="Names only, one a line.")
@output_option
@global_options
def command(quiet: bool, output: str) -> None:
    """List the registered images (also: images)."""
    from clara_cli.commands.records import image_record

    with settings().site() as site:
        found = site.images.list()
    rows = [(image.reference, image.folder, image.interpreter, "yes" if image.uses_driver else "no") for image in found]
    show_list(
        output,
        quiet,
        lambda: [str(image.reference) for image in found],
        lambda: [image_record(image) for image in found],
        lambda: table(["NAME", "FOLDER", "PYTHON", "DRIVER"], rows),
    )
