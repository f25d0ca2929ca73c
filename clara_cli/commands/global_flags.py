"""The flags that every command takes, and what follows from them; lines on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clara_cli import entry
from clara_cli.errors import ConfigError

if TYPE_CHECKING:
    from clara_cli.config import Config
    from clara_cli.database import Database

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Settings:
    """The flags of this call that are for every command, or change the configuration."""

    config_file: str | None = None
    verbose = False
    fast_io = False

    def config(self) -> Config:
        """What the file, the variables and these flags come to. Loaded here: help needs none of it."""
        from clara_cli.config import load_config

        config = load_config(self.config_file)
        return config._replace(fast_io=True) if self.fast_io else config

    @contextmanager
    def database(self) -> Iterator[tuple[Database, Config]]:
        """The database of the root in force, and the configuration that chose it."""
        from clara_cli.database import Database
        from clara_cli.root import choose_root

        config = self.config()
        root = choose_root(config)
        if self.verbose:
            notice(f"root: {root.path}")
        database = Database(root)
        try:
            yield database, config
        finally:
            database.leave() if entry.alone else database.close()


def settings() -> Settings:
    """The global flags of the command that is running."""
    return click.get_current_context().ensure_object(Settings)


def global_options(function: Decorated) -> Decorated:
    """`--config`, `--host` and `--verbose`, accepted before and after the command's name."""

    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value and parameter.name == "host":
            _check_host(value)
        elif value:
            setattr(
                context.ensure_object(Settings),
                "config_file" if parameter.name == "config" else "verbose",
                value,
            )

    texts = {
        "config": "config file (default is $HOME/.clara/config.yaml)",
        "host": "accepted if it is this machine: jobs run here",
    }
    function = click.option("--verbose", is_flag=True, expose_value=False, callback=keep, help="verbose output")(
        function
    )
    for name in ("host", "config"):
        function = click.option(f"--{name}", metavar="string", expose_value=False, callback=keep, help=texts[name])(
            function
        )
    return function


def _check_host(value: str) -> None:
    """Refuse to run here what was meant for another machine."""
    import re
    import socket

    name = re.sub(r"^[a-z]+://|/$", "", value.strip())
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0] if name != "::1" else name
    own = {"localhost", "::1", "0.0.0.0", socket.gethostname(), socket.getfqdn() if "." in name else ""}
    if not name or (name not in own and not name.startswith("127.")):
        raise ConfigError(
            f"--host {value}: jobs run on this machine only, not on a remote platform", "leave --host out"
        )


def fast_io_option(function: Decorated) -> Decorated:
    """`--fast-io`; it is part of the configuration that the command gets from `settings`."""

    def keep(context: click.Context, _: click.Parameter, value: bool) -> None:
        context.ensure_object(Settings).fast_io = value

    return click.option(
        "--fast-io",
        is_flag=True,
        expose_value=False,
        callback=keep,
        help="Operators' Python reads and writes gzip and zip files (nibabel, numpy) by faster codecs.",
    )(function)


def notice(text: str) -> None:
    """Something worth knowing, on stderr."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Something that may be wrong, on stderr."""
    click.secho("Warning: ", fg="yellow", nl=False, err=True)
    click.echo(text, err=True)
