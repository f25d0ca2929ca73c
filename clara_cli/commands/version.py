"""`clara version`."""

from __future__ import annotations

import click

from clara_cli import __version__
from clara_cli.commands.base import ClaraCommand, global_options


@click.command("version", cls=ClaraCommand)
@global_options
def command() -> None:
    """Show the version of this command."""
    click.echo(f"Clara CLI version: {__version__}")
