"""`clara delete image|payload|model`."""

from __future__ import annotations

import click

from clara_cli.commands import model, payload
from clara_cli.commands.base import ClaraCommand, ClaraGroup, global_options, settings
from clara_cli.errors import UsageError


@click.group(cls=ClaraGroup, name="delete")
@global_options
def command() -> None:
    """Delete images, payloads and models."""


command.add_command(model.delete)
command.add_command(payload.delete)


@command.command("image", cls=ClaraCommand)
@click.option("-n", "--name", metavar="NAME[:TAG]", help="The image.")
@global_options
@click.pass_context
def image(context: click.Context, name: str | None) -> None:
    """Forget registered images, all or none (also: images). Their folders are left alone."""
    from clara_cli.images.store import delete_image, find_image

    names = [*([name] if name else []), *context.args]
    if not names:
        raise UsageError("say which image: clara delete images NAME[:TAG] ...")
    with settings().database() as (database, _), database.write() as connection:
        found = [find_image(connection, text) for text in names]
        for image in dict.fromkeys(found):
            delete_image(connection, image)
    for image in dict.fromkeys(found):
        click.echo(f"Deleted image {image.reference}.")
