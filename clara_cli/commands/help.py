"""`clara help [COMMAND]...`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, global_options


@click.command("help", cls=ClaraCommand)
@click.argument("words", metavar="[COMMAND]...", nargs=-1)
@global_options
@click.pass_context
def command(context: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a command."""
    parent = context.find_root()
    shown = parent.command
    for word in words:
        if not isinstance(shown, click.Group):
            break
        found = shown.get_command(parent, word)
        if found is None:
            shown.resolve_command(parent, [word])  # raises, with a suggestion
            break
        parent = click.Context(found, parent=parent, info_name=word)
        shown = found
    click.echo(shown.get_help(parent))
