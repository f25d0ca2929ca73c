"""`clara completion bash|zsh|fish`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, ClaraGroup, global_options


@click.group(cls=ClaraGroup, name="completion")
@global_options
def command() -> None:
    """Print the script that lets a shell complete commands, flags, ids and operators.

    bash: put `source <(clara completion bash)` into ~/.bashrc.

    zsh: put `source <(clara completion zsh)` into ~/.zshrc, after compinit.

    fish: clara completion fish > ~/.config/fish/completions/clara.fish
    """


def _add(shell: str) -> None:
    @command.command(shell, cls=ClaraCommand, help=f"Print the script for {shell}.")
    @global_options
    def _show() -> None:
        from clara_cli.commands.shells import SHELLS

        root = click.get_current_context().find_root().command
        click.echo(SHELLS[shell](root, {}, "clara", "_CLARA_COMPLETE").source(), nl=False)


for _shell in ("bash", "zsh", "fish"):
    _add(_shell)
