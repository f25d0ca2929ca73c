"""`clara platform start|stop|restart|status`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clara_cli import __version__
from clara_cli.commands.base import ClaraCommand, ClaraGroup, global_options, notice, settings, warn
from clara_cli.errors import UsageError

if TYPE_CHECKING:
    from clara_cli.root import Root
    from clara_cli.server.options import Options
    from clara_cli.server.process import Running

_INSTALL = "pip install 'clara-cli[server]'"
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@click.group(cls=ClaraGroup, name="platform")
@global_options
def command() -> None:
    """Start, stop and look at the platform server, which programs reach by Clara Deploy's gRPC API."""


def _yes(function: Decorated) -> Decorated:
    return click.option("-y", "--yes", is_flag=True, expose_value=False, help="Nothing is asked, with or without it.")(
        function
    )


def _listening(function: Decorated) -> Decorated:
    """The options that say where the server listens."""
    file = click.Path(path_type=Path)
    for option in (
        click.option("--insecure", is_flag=True, help="Listen beyond this machine without TLS."),
        click.option("--token-file", type=file, metavar="FILE", help="Clients have to show the token in this file."),
        click.option("--client-ca", type=file, metavar="FILE", help="Clients need a certificate of this authority."),
        click.option("--tls-key", type=file, metavar="FILE", help="The certificate's key, PEM."),
        click.option("--tls-cert", type=file, metavar="FILE", help="The server's certificate, PEM."),
        click.option("--address", metavar="ADDRESS", help="Listen on this address (default: 127.0.0.1)."),
        click.option(
            "--port",
            "ports",
            type=click.IntRange(0, 65535),
            multiple=True,
            metavar="PORT",
            help="Listen on this port; repeatable (default: 30031; 0: any free one).",
        ),
    ):
        function = option(function)
    return function


@command.command("start", cls=ClaraCommand)
@_listening
@click.option("--foreground", is_flag=True, help="Stay here until Ctrl-C or SIGTERM, for service managers.")
@click.option("--console", is_flag=True, help="Start the console too, as clara console start does.")
@_yes
@global_options
def start(foreground: bool, console: bool, **given: Any) -> None:
    """Start the server in the background, as this user.

    Only programs on this machine can connect, unless --address says otherwise. Jobs are processes of their own: they
    go on when the server ends.
    """
    if foreground and console:
        raise UsageError(
            "--console and --foreground exclude each other: clara console start --foreground is another service"
        )
    settings().check_here()
    options = _options(given)
    if foreground:
        if not _installed():
            raise UsageError(f"the platform server is not installed: {_INSTALL}")
        from clara_cli.server.foreground import run

        run(options, settings().config_file, lambda found: notice(f"Listening on {', '.join(found.addresses())}"))
        return
    if _installed():
        _start(options)
    else:
        _say_not_installed("started")
    if console:
        _start_console()


@command.command("stop", cls=ClaraCommand)
@_yes
@global_options
def stop() -> None:
    """End the server. Jobs go on."""
    from clara_cli.server import process

    if process.stop(_root()) is None:
        notice("The platform server does not run.")
    else:
        click.echo("Clara Platform stopped.")


@command.command("restart", cls=ClaraCommand)
@_listening
@_yes
@global_options
def restart(**given: Any) -> None:
    """End the server and start it anew. What no option says stays as it was started before. Jobs go on."""
    from clara_cli.server import process

    if not _installed():
        _say_not_installed("restarted")
        return
    before = process.find_running(_root())
    options = _options(given, before.options if before else None)
    process.stop(_root())
    _start(options)


@command.command("status", cls=ClaraCommand)
@global_options
def status() -> None:
    """Say whether the server runs, and where it listens. Exit status: 0 if it runs, 3 if not."""
    from clara_cli.server import process

    root = _root()
    running = process.find_running(root)
    if running is None:
        click.echo("STATE: stopped")
        raise click.exceptions.Exit(3)
    _show(root, running)


@command.command("version", cls=ClaraCommand)
@global_options
def version() -> None:
    """Show the bare version, as plugins do."""
    click.echo(__version__)


def _start(options: Options) -> None:
    from clara_cli.server import process

    config = settings().config()
    root = _root()
    # As the original said it; scripts wait for the second line.
    click.echo("Starting clara...")
    running = process.start(root, config, settings().config_file, options)
    click.echo("NAME: clara")
    _show(root, running)


def _start_console() -> None:
    """As far as it does not run already: who asks for both wants both to run."""
    from clara_cli.commands.console import installed, say_not_installed, start_console

    if not installed():
        say_not_installed("started")
        return
    from clara_cli.console.options import Options
    from clara_cli.console.process import CONSOLE

    running = CONSOLE.find_running(_root())
    if running is None:
        start_console(Options())
    else:
        notice(f"The console runs already, on {', '.join(running.options.addresses())}.")


def _show(root: Root, running: Running) -> None:
    from clara_cli.output import utc
    from clara_cli.server import process

    options = running.options
    click.echo("STATE: running")
    for address in options.addresses():
        click.echo(f"ADDRESS: {address}")
    click.echo(f"TLS: {'no' if options.certificate is None else 'mutual' if options.client_ca else 'yes'}")
    click.echo(f"TOKEN: {'yes' if options.token_file else 'no'}")
    click.echo(f"PID: {running.pid}")
    click.echo(f"STARTED: {utc(running.started)}")
    click.echo(f"ROOT: {root.path}")
    click.echo(f"LOG: {process.log_file(root)}")
    if not options.trusted:
        if options.token_file:
            warn("without TLS whoever listens on the network learns the token, and can run programs as this user")
            return
        who = "without TLS" if options.certificate is None else "without a certificate of their own or a token"
        warn(f"programs on other machines can connect {who}, and run programs as this user")


def _options(given: dict[str, Any], before: Options | None = None) -> Options:
    """What was given; for the rest what it was before, or the usual."""
    from clara_cli.server.options import Options

    rest = before or Options()
    return Options(
        given["address"] or rest.host,
        given["ports"] or rest.ports,
        given["tls_cert"] or rest.certificate,
        given["tls_key"] or rest.key,
        given["client_ca"] or rest.client_ca,
        given["insecure"] or rest.insecure,
        given["token_file"] or rest.token_file or settings().config().platform.token_file,
    ).checked()


def _root() -> Root:
    from clara_cli.root import choose_root

    settings().check_here()
    return choose_root(settings().config())


def _installed() -> bool:
    """Whether what the server is made of is there."""
    from importlib.util import find_spec

    try:
        return all(find_spec(name) for name in ("grpc", "google.protobuf", "grpc_health", "grpc_reflection"))
    except ModuleNotFoundError:
        return False


def _say_not_installed(done: str) -> None:
    """Installers and start scripts expect exit status 0, and the commands work without a server."""
    notice(
        f"Notice: nothing was {done}: the platform server, which only programs that use the gRPC API need, is not "
        f"installed: {_INSTALL}"
    )
