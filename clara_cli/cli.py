"""The `clara` command: the root group, the table of commands, and the one place where errors become messages."""

from __future__ import annotations

import errno
import io
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from clara_cli.commands.base import ClaraGroup, global_options
from clara_cli.errors import ClaraError

# name → (module in clara_cli.commands, one line of help); a module is imported when its command is called.
COMMANDS = {
    "create": ("create", "Create pipelines, jobs, images, payloads and models."),
    "run": ("run", "Run a definition: from its file to its results."),
    "start": ("start", "Start jobs and follow them to their end."),
    "cancel": ("cancel", "Cancel jobs that wait or run."),
    "wait": ("wait", "Wait until jobs have ended."),
    "validate": ("validate", "Check pipeline definitions without storing them."),
    "list": ("list", "List pipelines, jobs, images, payloads or models."),
    "describe": ("describe", "Show one pipeline, job, image or payload."),
    "logs": ("logs", "Show what the operators of a job wrote."),
    "upload": ("upload", "Copy local files into a payload."),
    "download": ("download", "Copy files of a job or payload to a local folder."),
    "delete": ("delete", "Delete jobs, pipelines, images, payloads and models."),
    "clean": ("clean", "Remove payloads of ended jobs, by age and size."),
    "version": ("version", "Show the version."),
    "help": ("help", "Show the help of a command."),
}

_OUTPUT_LOST = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO)


class Program(click.Command):
    """What the installed programs share: `main` is the error boundary, for the shell and for click's test runner."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        call = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        if not standalone_mode:
            return call()
        try:
            result: object = call()
            if sys.stdout is not None:
                sys.stdout.flush()
        except ClaraError as error:
            report(error.message, error.hint)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            report(error.format_message())
            if isinstance(error, click.UsageError) and error.ctx is not None:
                click.echo(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help' for help.", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("Aborted.", err=True)
            sys.exit(130)
        except Exception as error:
            if os.environ.get("CLARA_DEBUG"):
                raise
            _explain(error)
            sys.exit(1)
        sys.exit(result if isinstance(result, int) else 0)


class Root(Program, ClaraGroup):
    """The root group of `clara`."""


def _explain(error: Exception) -> None:
    """What went wrong with the output, or in clara itself."""
    if isinstance(error, OSError) and error.errno in _OUTPUT_LOST and not error.filename:
        if error.errno != errno.EPIPE:  # else whoever read it has had enough
            report(f"cannot write the output: {error.strerror}")
    else:
        report(f"clara itself failed: {type(error).__name__}: {error}", f"details: {_keep_details()}")


def report(message: str, hint: str | None = None) -> None:
    """Print one error on stderr."""
    click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(message, err=True)
    if hint:
        click.echo(hint, err=True)


def _keep_details() -> str:
    """Write the stack of a bug to a file and return its name; a bug of clara never fills the user's screen."""
    import traceback

    text = traceback.format_exc()
    try:
        folder = Path("~/.clara").expanduser()
        folder.mkdir(exist_ok=True)
        path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
        path.write_text(text, "utf-8")
    except (OSError, RuntimeError):
        return "set CLARA_DEBUG=1 to see them"
    return str(path)


@click.command(
    name="clara",
    cls=Root,
    table=COMMANDS,
    help="Run Clara Deploy pipelines on this machine: no Docker, Kubernetes, GPU or root.",
)
@global_options
def cli() -> None:
    """The root group; a command is looked up in `COMMANDS`."""


def run(program: Program, name: str) -> None:
    """Run an installed program as the only thing in this process, and end."""
    for descriptor in range(3):
        # Where a stream is closed its number would go to the next file, which others then take for the stream.
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files are bytes; those that are no text are written as the bytes they are.
        sys.stdout.reconfigure(errors="surrogateescape")
    try:
        program.main(prog_name=name)
    finally:
        _drop_lost_output()


def _drop_lost_output() -> None:
    """What stdout did not take must not be tried, and complained about, once more when Python ends."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())


def main() -> None:
    """Entry point of the installed command."""
    run(cli, "clara")
