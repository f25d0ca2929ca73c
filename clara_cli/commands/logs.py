"""`clara logs`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from clara_cli.commands.base import ClaraCommand, first_of, global_options, notice, settings

if TYPE_CHECKING:
    from clara_cli.runtime.log_stream import Line
    from clara_cli.site.interface import Logs
    from clara_cli.site.model import LogQuery

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
    from clara_cli.moments import moment
    from clara_cli.site.model import LogQuery

    words = [word for word in context.args if word not in _ACTIONS]
    value = job if job is not None else next(iter(words), None)
    if value is None:
        raise click.UsageError('required flag(s) "job" not set', context)
    moment_since = None if since is None else moment(since, time.time())
    terminal = sys.stdout is not None and sys.stdout.isatty()
    query = LogQuery(first_of(value)[0], operators, moment_since, tail, follow, terminal)
    try:
        with settings().site() as site, site.jobs.logs(query) as logs:
            for told in logs.notices:
                notice(f"Notice: {told}")
            if follow and logs.pending:
                notice(f"job {logs.job_id} has not been started: waiting for it")
            _show(logs, query)
    except KeyboardInterrupt:
        context.exit(130)


def _show(logs: Logs, query: LogQuery) -> None:
    alone = len(logs.names) == 1
    for name in logs.missing:
        if alone and not query.follow:
            notice(f"{name} has not been started: it has no log")
    if alone and not query.terminal:
        for chunk in logs.chunks():
            click.echo(chunk, nl=False)
        return
    written: Callable[[Line], bytes] = _on_terminal(alone) if query.terminal else _as_written
    for lines in logs.lines():
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
