"""`clara logs`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from clara_cli.commands.base import ClaraCommand, first_of, global_options, notice, settings

if TYPE_CHECKING:
    from clara_cli.jobs.actions import JobView
    from clara_cli.jobs.logs import JobLogs
    from clara_cli.runtime.log_stream import Line

_ACTIONS = ("job", "jobs")


@click.command("logs", cls=ClaraCommand)
@click.option("-j", "--job", metavar="ID", help="The job, by id or the first digits of it.")
@click.option(
    "-o",
    "--operator",
    "operators",
    multiple=True,
    metavar="NAME",
    help="Only this operator or service (repeatable); a single one is shown without its name.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written until the job ends.")
@click.option("--since", metavar="TIME", help="Only what was written since then: 10m, 1h30m, 14:30 or a date.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines of each log.")
@global_options
@click.pass_context
def command(
    context: click.Context,
    job: str | None,
    operators: tuple[str, ...],
    follow: bool,
    since: str | None,
    tail: int | None,
) -> None:
    """Show what the operators and services of a job wrote to stdout and stderr, also while it runs.

    Lines of several logs are put in order by the times at which the job's runner saw them (exact to 0.01 s in the
    first minute of an operator, to 1 s in its second hour), each after `name | `. To a pipe or a file everything goes
    as it was written; on a terminal colours are kept and other control characters are shown as \\x1b and the like.

    With --follow the command ends when the job does (exit status 0, however the job ended); Ctrl-C ends it before
    (130) and leaves the job alone.
    """
    from clara_cli.jobs.actions import find_job
    from clara_cli.jobs.logs import Chosen, JobLogs
    from clara_cli.jobs.states import JobState
    from clara_cli.moments import moment

    words = [word for word in context.args if word not in _ACTIONS]
    value = job if job is not None else next(iter(words), None)
    if value is None:
        raise click.UsageError('required flag(s) "job" not set', context)
    moment_since = None if since is None else moment(since, time.time())
    try:
        with settings().database() as (database, _):
            view = find_job(database, first_of(value)[0])
            names = _named(view, operators)
            with JobLogs(database, view, Chosen(names, moment_since, tail)) as logs:
                if follow and view.job.submitted is None and view.job.state is JobState.PENDING:
                    notice(f"job {view.job.id} has not been started: waiting for it")
                _show(logs, follow, alone=names is not None and len(names) == 1)
    except KeyboardInterrupt:
        context.exit(130)


def _named(view: JobView, operators: Iterable[str]) -> tuple[str, ...] | None:
    """The logs that `-o` asks for, each once; None for all."""
    from clara_cli.jobs.files import log_of

    found: dict[str, None] = {}
    for text in operators:
        name, told = log_of(view, text)
        if told:
            notice(f"Notice: {told}")
        found[name] = None
    return tuple(found) or None


def _show(logs: JobLogs, follow: bool, alone: bool) -> None:
    for name, stream in logs.streams.items():
        if alone and not follow and not stream.open():
            notice(f"{name} has not been started: it has no log")
    terminal = sys.stdout is not None and sys.stdout.isatty()
    if alone and not terminal:
        name = next(iter(logs.streams))
        for chunk in logs.follow_bytes(name) if follow else logs.streams[name].chunks():
            click.echo(chunk, nl=False)
        return
    written: Callable[[Line], bytes] = _on_terminal(alone) if terminal else _as_written
    for lines in logs.follow(redraws=terminal) if follow else logs.pieces():
        click.echo(b"".join(map(written, lines)), nl=False)


def _as_written(line: Line) -> bytes:
    return b"%s | %s%s" % (line.name.encode(), line.text, b"" if line.text.endswith(b"\n") else b"\n")


def _on_terminal(alone: bool) -> Callable[[Line], bytes]:
    from clara_cli.commands.log_text import colours, harmless

    colour = colours()
    prefixes: dict[str, str] = {}

    def written(line: Line) -> bytes:
        if line.name not in prefixes:
            name = f"{harmless(line.name.encode())} | "
            styled = name if os.environ.get("NO_COLOR") else click.style(name, fg=next(colour))
            prefixes[line.name] = "" if alone else styled
        text = line.text.removesuffix(b"\n").removesuffix(b"\r")
        return f"{prefixes[line.name]}{harmless(text)}\n".encode("utf-8", "replace")

    return written
