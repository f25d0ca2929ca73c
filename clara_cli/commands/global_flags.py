"""The flags that every command takes, and what follows from them; lines on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clara_cli import entry
from clara_cli.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from clara_cli.config import Config
    from clara_cli.database import Database
    from clara_cli.remote.site import RemoteSite
    from clara_cli.site.interface import Site

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Settings:
    """The flags of this call that are for every command, or change the configuration."""

    config_file: str | None = None
    verbose = False
    fast_io = False
    engine: str | None = None
    host: str | None = None
    token_file: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None

    def config(self) -> Config:
        """What the file, the variables and these flags come to. Loaded here: help needs none of it."""
        from clara_cli.config import load_config

        config = load_config(self.config_file)
        if self.fast_io:
            config = config._replace(fast_io=True)
        if self.engine is not None:
            config = config._replace(engine=self.engine)
        if self.host is not None:
            config = config._replace(host=self.host or None)
        files = {"token": self.token_file, "ca": self.tls_ca, "cert": self.tls_cert, "key": self.tls_key}
        if given := {name: file for name, file in files.items() if file}:
            from clara_cli.home import from_home

            named = {name: from_home(file) for name, file in given.items()}
            config = config._replace(token_file=named.pop("token", config.token_file), tls={**config.tls, **named})
        return config

    @contextmanager
    def site(self) -> Iterator[Site]:
        """The place where jobs run: this machine, or the platform that was named."""
        config = self.config()
        if config.host is not None:
            if self.engine is not None:
                where = f"the platform at {config.host} runs jobs as its own configuration says"
                raise UsageError(f"--engine is about jobs of this machine: {where}")
            with remote_site(config) as site:
                if self.verbose:
                    notice(f"platform: {site.address}")
                if site.warning:
                    warn(site.warning)
                yield site
            return
        from clara_cli.site.local import LocalSite

        with self.database() as (database, config):
            yield LocalSite(database, config, self.config_file)

    def check_here(self, config: Config | None = None) -> None:
        """Refuse what can be done only on the machine where jobs run.

        Raises:
            ConfigError: a platform on another machine was named.
        """
        try:
            host = (config or self.config()).host
        except ConfigError:
            return  # whatever reads the configuration next says so
        if host is not None:
            command = click.get_current_context().command_path
            raise ConfigError(
                f"{command} works on the machine of the platform only, not with the host {host}",
                hint="call it there; or for this machine with --host ''",
            )

    @contextmanager
    def database(self) -> Iterator[tuple[Database, Config]]:
        """The database of the root in force, and the configuration that chose it; refused for another machine."""
        from clara_cli.database import Database
        from clara_cli.root import choose_root

        config = self.config()
        self.check_here(config)
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
        if value or (value is not None and parameter.name == "host"):
            name = {"config": "config_file"}.get(parameter.name or "", parameter.name or "")
            setattr(context.ensure_object(Settings), name, value)

    texts = {
        "config": "config file (default is $HOME/.clara/config.yaml)",
        "host": "HOST[:PORT] of a platform on another machine (default: this one)",
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
    from clara_cli.platform_address import platform_at

    try:
        platform_at(value)
    except ValueError as error:
        raise ConfigError(f"--host: {error}") from error


def remote_site(config: Config) -> AbstractContextManager[RemoteSite]:
    """The platform on another machine.

    Raises:
        ConfigError: what is needed to reach it is not installed, or a file that is needed cannot be read.
    """
    from importlib.util import find_spec

    if find_spec("grpc") is None or find_spec("google") is None or find_spec("google.protobuf") is None:
        raise ConfigError(
            f"{config.host}: what reaches platforms on other machines is not installed: pip install 'clara-cli[remote]'"
        )
    from clara_cli.remote.site import connect

    return connect(config, click.get_current_context().command_path)


_CONNECTION = {
    "token_file": "File with the token that the platform's callers show.",
    "tls_ca": "TLS: certificates of the authority that the platform's is of.",
    "tls_cert": "TLS: certificate of this caller.",
    "tls_key": "TLS: the key that belongs to it.",
}


def connection_options(function: Decorated) -> Decorated:
    """How a platform on another machine and its callers know each other: before the command only."""

    def keep(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
        if value:
            setattr(context.ensure_object(Settings), parameter.name or "", value)

    for name, text in reversed(_CONNECTION.items()):
        flag = f"--{name.replace('_', '-')}"
        function = click.option(flag, metavar="FILE", expose_value=False, callback=keep, help=text)(function)
    return function


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
