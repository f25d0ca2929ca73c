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
from typing import Any

import click

from clara_cli import entry
from clara_cli.commands.base import ClaraGroup, UnknownCommand, global_options
from clara_cli.commands.global_flags import connection_options
from clara_cli.commands.pages import in_its_words, usage_text
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
    "config": ("config", "Show and change the configuration file."),
    "doctor": ("doctor", "Say what on this machine would make jobs fail."),
    "pull": ("pull", "Accept what installers pull; nothing has to be fetched."),
    "platform": ("platform", "Start, stop and look at the platform server."),
    "dicom": ("dicom", "Start and stop the DICOM adapter: not in this version."),
    "render": ("render", "Start and stop the render server: not in this version."),
    "monitor": ("monitor", "Start and stop the monitor server: not in this version."),
    "console": ("console", "Start, stop and look at the management console."),
    "results": ("results", "Start and stop the results service: gone since 0.8."),
    "completion": ("completion", "Print the completion script of a shell."),
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
        if "_CLARA_COMPLETE" in os.environ:
            from clara_cli.commands.shells import register

            register()
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
        except click.UsageError as error:
            _report_usage(error)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            report(error.format_message())
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
    """The root group of `clara`: its own commands, and plugins for words that are none."""

    plurals = False

    def plugins(self, ctx: click.Context) -> list[tuple[str, str]]:
        """For the help page: words and the programs that stand for them."""
        from clara_cli.commands.plugins import list_plugins

        return list_plugins(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            from clara_cli.commands.plugins import find_plugin, run_plugin

            plugin = find_plugin(args[0], COMMANDS)
            if plugin is not None:
                run_plugin(plugin, args[1:])
        return super().resolve_command(ctx, args)


def _report_usage(error: click.UsageError) -> None:
    """An error about the command line, and how the command is used."""
    report(in_its_words(error))
    if isinstance(error, UnknownCommand):
        path = error.ctx.command_path if error.ctx else "clara"
        click.echo(f"Run '{path} --help' for usage.", err=True)
    elif error.ctx is not None:
        click.echo(usage_text(error.ctx.command, error.ctx), err=True)


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
    from pathlib import Path

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
@connection_options
@global_options
def cli() -> None:
    """The root group; a command is looked up in `COMMANDS`."""


def run(program: Program, name: str, words: Sequence[str] | None = None) -> None:
    """Run an installed program as the only thing in this process, and end; `words` replace the command line."""
    for descriptor in range(3):
        # Where a stream is closed its number would go to the next file, which others then take for the stream.
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files are bytes; those that are no text are written as the bytes they are.
        sys.stdout.reconfigure(errors="surrogateescape")
    entry.alone = True
    try:
        program.main(words, prog_name=name)
    except SystemExit as end:
        _drop_lost_output()
        entry.leave(end.code)
        raise
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
