"""`clara version`."""

from __future__ import annotations

import click

from clara_cli import __version__
from clara_cli.commands.base import ClaraCommand, global_options, settings
from clara_cli.commands.global_flags import remote_site
from clara_cli.config import Config
from clara_cli.errors import ClaraError
from clara_cli.platform_limits import PLATFORM_VERSION


@click.command("version", cls=ClaraCommand)
@global_options
def command() -> None:
    """Show the version of this command, and of the platform server if it runs."""
    config = settings().config()
    platform = _platform(config) if config.host is None else _remote_platform(config)
    click.echo(f"Clara CLI version: {__version__}")
    if platform:
        click.echo(f"Clara Platform version: {platform}")


def _remote_platform(config: Config) -> str:
    with remote_site(config) as site:
        return site.version()


def _platform(config: Config) -> str | None:
    """The version of the platform server; None when none runs, or the root cannot be looked at."""
    try:
        from clara_cli.root import choose_root

        root = choose_root(config)
        if not root.platform.is_dir():
            return None
        # Only now: what a server is made of takes time to load.
        from clara_cli.server.process import find_running

        return PLATFORM_VERSION if find_running(root) else None
    except ClaraError:
        return None
