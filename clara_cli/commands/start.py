"""`clara start job`."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Protocol

import click

from clara_cli.commands.base import (
    ClaraCommand,
    ClaraGroup,
    fast_io_option,
    global_options,
    is_id,
    notice,
    settings,
    warn,
)
from clara_cli.commands.progress import environment_progress, lines
from clara_cli.commands.several import each, ids_option
from clara_cli.commands.showing import brief_option, tell
from clara_cli.commands.values import engine_option, reuse_option, set_option
from clara_cli.runtime.plan import JobResult
from clara_cli.runtime.process import log_tail
from clara_cli.runtime.stop import StopRequest

if TYPE_CHECKING:
    from clara_cli.site.interface import Site, StartedJob


class Stoppable(Protocol):
    """What a signal asks to end."""

    def request(self, reason: str) -> None: ...


ACCEPTED = "Job Start request submitted successfully with JOB_STATUS_HEALTHY"


@click.group(cls=ClaraGroup, name="start")
@global_options
def command() -> None:
    """Start jobs and follow them to their end."""


@command.command("job", cls=ClaraCommand)
@ids_option("j", "job")
@click.option("--detach", is_flag=True, help="Return at once; the job runs on without this command.")
@click.option("--resume", is_flag=True, help="Run a job that failed again from where it failed, as a new job.")
@click.option(
    "--from",
    "start",
    metavar="OPERATOR",
    help="Run a job that has ended again from this operator on, as a new job.",
)
@reuse_option
@engine_option
@fast_io_option
@set_option
@brief_option
@global_options
@click.pass_context
def job(
    context: click.Context,
    given: tuple[str, ...],
    detach: bool,
    resume: bool,
    start: str | None,
    reuse: bool,
    values: dict[str, str],
) -> None:
    """Start a job, or several, and stay until all have ended (also: jobs).

    A job waits for its turn while other jobs, whoever started them, use the machine: jobs of higher priority are
    taken more often, IMMEDIATE ones first. Exit status: 0 if all ended well, 1 if not; Ctrl-C cancels them (130).
    `start: detach` in the configuration or CLARA_START=detach makes --detach the default.

    With --resume or --from a new job is made, whose JOB_ID and PAYLOAD_ID are printed first. It shares the files of
    the operators that are not run again (reflinks, else hard links without write permission, else copies); those
    whose FastIO variables are needed run again.
    """
    ids = _ids(context, given)
    if resume and start is not None:
        raise click.UsageError("--resume and --from exclude each other: --from OPERATOR says where to begin", context)
    if reuse and start is not None:
        raise click.UsageError("--from says what runs again, --reuse what does not: they exclude each other", context)
    with settings().site() as site:
        detach = detach or site.config.start == "detach"
        well = True
        if resume or start is not None:
            from clara_cli.commands.again import make_again
        if (resume or start is not None) and len(ids) == 1:
            ids, values = [make_again(site, ids[0], start, values)], {}
        elif resume or start is not None:
            ids, well = each(ids, lambda text: make_again(site, text, start, values))
        if len(ids) == 1:
            start_and_follow(site, ids[0], detach, values, reuse=reuse)
        elif ids:
            from clara_cli.commands.start_several import start_several

            start_several(site, ids, detach, {} if resume or start else values, reuse=reuse)
    if not well:
        raise click.exceptions.Exit(1)


def _ids(context: click.Context, given: tuple[str, ...]) -> list[str]:
    """The jobs that are meant; beside -j a surplus word that is no id does not count, as with the original."""
    words = [word for text in given for word in text.split() or [text]]
    further = [word for word in context.args if not given or is_id(word)]
    ids = list(dict.fromkeys([*words, *further]))
    if not ids:
        raise click.UsageError('required flag(s) "job" not set', context)
    return ids


def start_and_follow(
    site: Site,
    job_id: str,
    detach: bool,
    values: Mapping[str, str] | None = None,
    *,
    reuse: bool = False,
    cleaning: bool = True,
) -> None:
    """Start a job; unless it is detached, run it here and end with its status.

    Args:
        values: for parameters of its pipeline.
        reuse: do not run operators that an earlier job ran on the same input.
        cleaning: apply the limits of the configuration once it has ended.

    Raises:
        click.exceptions.Exit: the job did not end well (1), or a signal cancelled it (128 + its number).
    """
    if on_slurm(site):
        from clara_cli.commands.start_placed import start_placed

        start_placed(job_id, detach, values, reuse=reuse, cleaning=cleaning)
        return
    with (
        closing(StopRequest()) as stop,
        environment_progress() as progress,
        site.jobs.start(job_id, values or {}, progress, reuse=reuse) as started,
    ):
        if settings().verbose:
            for name, program in started.programs.items():
                notice(f"operator {name}: {program}")
        if reuse:
            reused = ", ".join(f"{name} (job {job})" for name, job in started.reused.items())
            notice(f"reused: {reused or 'nothing'}")
        say_accepted()
        if detach:
            started.detach()
            return
        code = _follow(started, stop)
    if cleaning and (told := site.jobs.after()):
        warn(told)
    if code:
        raise click.exceptions.Exit(code)


def on_slurm(site: Site) -> bool:
    """Whether jobs of this place run on a cluster; a platform on another machine decides by itself."""
    return site.config.host is None and site.config.engine == "slurm"


def say_accepted() -> None:
    """Say that a start was accepted."""
    # A reader of stdout that is gone is no reason to leave an accepted job alone.
    with suppress(OSError, ValueError, AttributeError):
        tell(ACCEPTED)
        sys.stdout.flush()


def _follow(started: StartedJob, stop: StopRequest) -> int:
    with signals_ask(stop) as got, lines(list(started.operators)) as listener:
        result = started.follow(listener, stop)
    with suppress(OSError):
        explain(started.job_id, result)
    if got and result.stopped is not None:
        return 128 + got[0]
    return 0 if result.succeeded else 1


@contextmanager
def signals_ask(stop: Stoppable) -> Iterator[list[int]]:
    """While this lasts, Ctrl-C, SIGTERM and SIGHUP ask the job to end; only the main thread can listen.

    Yields:
        the signals that came, first one first.
    """
    got: list[int] = []

    def ask(number: int, _: FrameType | None) -> None:
        got.append(number)
        stop.request(f"{signal.Signals(number).name} received by clara start")

    previous = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup SIGHUP is ignored, and stays so; None is a handler that Python could not put back.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                previous[number] = signal.signal(number, ask)
    try:
        yield got
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def explain(job_id: str, result: JobResult) -> None:
    """Say on stderr why a job did not end well."""
    if result.terminated is not None:
        click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
        notice(result.terminated)
    for failure in result.failures:
        click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
        notice(f"{failure.kind} {failure.name} failed: {failure.reason}")
        said = log_tail(failure.log) if failure.said is None else failure.said
        if said:
            notice(f"last lines of its log ({failure.log}):")
            for line in said:
                notice(f"  {line}")
    if result.terminated is not None:
        notice(f"job {job_id} ended with JOB_STATUS_TERMINATED; all it wrote is kept")
    elif result.failures:
        notice(f"job {job_id} ended with JOB_STATUS_FAULTED; all it wrote is kept")
    elif result.stopped is not None:
        notice(f"job {job_id} was cancelled ({result.stopped}); what it wrote is kept")
    if not result.succeeded:
        notice(f"to go on from there: clara start job -j {job_id} --resume")
