"""`clara console start|stop|restart|status`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clara_cli import __version__
from clara_cli.commands.base import ClaraCommand, ClaraGroup, global_options, notice, settings, warn
from clara_cli.errors import UsageError

if TYPE_CHECKING:
    from clara_cli.console.options import Options
    from clara_cli.console.process import RunningConsole
    from clara_cli.root import Root

_INSTALL = "pip install 'clara-cli[console]'"
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@click.group(cls=ClaraGroup, name="console")
@global_options
def command() -> None:
    """Start, stop and look at the management console: pages that show jobs, pipelines and results in a browser."""


def _accepted(function: Decorated) -> Decorated:
    """Flags of the original that have nothing to do."""
    for option in (
        click.option("-f", "--file", "_file", expose_value=False, metavar="FILE", help="Accepted: FILE is not read."),
        click.option("-y", "--yes", is_flag=True, expose_value=False, help="Nothing is asked, with or without it."),
    ):
        function = option(function)
    return function


def _listening(function: Decorated) -> Decorated:
    """The options that say where and for whom the console listens."""
    for option in (
        click.option("--insecure", is_flag=True, help="Listen beyond this machine without a token."),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="People sign in with the token in this file.",
        ),
        click.option(
            "--allow-host",
            "allowed",
            multiple=True,
            metavar="NAME",
            help="Browsers may call the console by this name too; repeatable.",
        ),
        click.option("--address", metavar="ADDRESS", help="Listen on this address (default: 127.0.0.1)."),
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            metavar="PORT",
            help="Listen on this port (default: 32002; 0: any free one).",
        ),
    ):
        function = option(function)
    return function


@command.command("start", cls=ClaraCommand)
@_listening
@click.option("--open", "browse", is_flag=True, help="Open it in the browser.")
@click.option("--foreground", is_flag=True, help="Stay here until Ctrl-C or SIGTERM, for service managers.")
@_accepted
@global_options
def start(foreground: bool, browse: bool, **given: Any) -> None:
    """Start the console in the background, as this user.

    Only browsers on this machine can reach it, unless --address says otherwise. Jobs are processes of their own: they
    go on when the console ends.
    """
    settings().check_here()
    if not installed():
        if foreground:
            raise UsageError(f"the console is not installed: {_INSTALL}")
        say_not_installed("started")
        return
    options = _options(given)
    if foreground:
        from clara_cli.console.serve import run

        def ready(found: Options) -> None:
            notice(f"Listening on {', '.join(found.addresses())}")
            _browse(found, browse)

        run(options, settings().config_file, ready)
        return
    start_console(options, browse=browse)


@command.command("stop", cls=ClaraCommand)
@_accepted
@global_options
def stop() -> None:
    """End the console. Jobs go on."""
    from clara_cli.console.process import CONSOLE

    if CONSOLE.stop(_root()) is None:
        notice("The console does not run.")
    else:
        click.echo("Clara Console stopped.")


@command.command("restart", cls=ClaraCommand)
@_listening
@_accepted
@global_options
def restart(**given: Any) -> None:
    """End the console and start it anew. What no option says stays as it was started before. Pages come back."""
    from clara_cli.console.process import CONSOLE

    if not installed():
        say_not_installed("restarted")
        return
    before = CONSOLE.find_running(_root())
    options = _options(given, before.options if before else None)
    CONSOLE.stop(_root())
    start_console(options)


@command.command("status", cls=ClaraCommand)
@global_options
def status() -> None:
    """Say whether the console runs, and where. Exit status: 0 if it runs, 3 if not."""
    from clara_cli.console.process import CONSOLE

    root = _root()
    running = CONSOLE.find_running(root)
    if running is None:
        click.echo("STATE: stopped")
        raise click.exceptions.Exit(3)
    _show(root, running)


@command.command("version", cls=ClaraCommand)
@global_options
def version() -> None:
    """Show the bare version, as plugins do."""
    click.echo(__version__)


def start_console(options: Options, *, browse: bool = False) -> None:
    """Start it in the background and say where it is."""
    from clara_cli.console.process import CONSOLE

    config = settings().config()
    root = _root()
    running = CONSOLE.start(root, config, settings().config_file, options)
    _show(root, running)
    _browse(running.options, browse)


def installed() -> bool:
    """Whether what the console is made of is there."""
    from importlib.util import find_spec

    return all(find_spec(name) for name in ("fastapi", "jinja2", "prometheus_client", "python_multipart", "uvicorn"))


def say_not_installed(done: str) -> None:
    """Installers and start scripts expect exit status 0, and the commands work without a console."""
    notice(
        f"Notice: nothing was {done}: the console, which shows jobs in a browser, is not installed: {_INSTALL}; "
        "see clara list jobs"
    )


def _show(root: Root, running: RunningConsole) -> None:
    from clara_cli.console.process import CONSOLE
    from clara_cli.output import utc

    options = running.options
    click.echo("STATE: running")
    for address in options.addresses():
        click.echo(f"ADDRESS: {address}")
    click.echo(f"SIGN-IN: {'token' if options.token_file else 'none'}")
    click.echo(f"PID: {running.pid}")
    click.echo(f"STARTED: {utc(running.started)}")
    click.echo(f"ROOT: {root.path}")
    click.echo(f"LOG: {CONSOLE.log_file(root)}")
    if not options.loopback and not options.token_file:
        warn("people on other machines can see all jobs, and run programs as this user")


def _browse(options: Options, wanted: bool) -> None:
    if wanted:
        import webbrowser

        if not webbrowser.open(options.addresses()[0]):
            notice(f"No browser was found: open {options.addresses()[0]}")


def _options(given: dict[str, Any], before: Options | None = None) -> Options:
    """What was given; for the rest what it was before, or the usual."""
    from clara_cli.console.options import Options

    rest = before or Options()
    return Options(
        given["address"] or rest.host,
        rest.port if given["port"] is None else given["port"],
        given["token_file"] or rest.token_file,
        given["insecure"] or rest.insecure,
        given["allowed"] or rest.allowed,
    ).checked()


def _root() -> Root:
    from clara_cli.root import choose_root

    settings().check_here()
    return choose_root(settings().config())
