"""`clara start jobs` for several ids: all are submitted, and run through the queue as the machine has room."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from typing import TYPE_CHECKING

import click

from clara_cli.commands.base import notice, warn
from clara_cli.commands.progress import Lines, Plain, environment_progress, lines
from clara_cli.commands.several import each
from clara_cli.commands.start import explain, on_slurm, say_accepted, signals_ask
from clara_cli.jobs.batch import Batch, Event, Started, Starts, enough_files
from clara_cli.runtime.listener import Listener

if TYPE_CHECKING:
    from clara_cli.jobs.batch import Named
    from clara_cli.site.interface import Site, StartedJob


def start_several(
    site: Site,
    ids: Sequence[str],
    detach: bool,
    values: Mapping[str, str],
    *,
    reuse: bool = False,
) -> None:
    """Start jobs; unless they are detached, run them here and end with 1 if one did not end well.

    Args:
        reuse: do not run operators that an earlier job ran on the same input.

    Raises:
        click.exceptions.Exit: a start was refused or a job did not end well (1), or a signal cancelled what was left
            (128 + its number).
    """

    if on_slurm(site):
        from clara_cli.commands.start_several_placed import start_several_placed

        start_several_placed(ids, detach, values, reuse=reuse)
        return

    def submit(text: str) -> StartedJob:
        with environment_progress() as progress:
            return site.jobs.start(text, values, progress, reuse=reuse)

    def hand_over(text: str) -> None:
        with submit(text) as started:
            say_accepted()
            started.detach()

    with enough_files(len(ids)) as most:
        if detach:
            code = _all_accepted(ids, hand_over)
        else:
            with site.jobs.together():
                code = run_together(Batch(), ids, submit, most)
    if not detach and (told := site.jobs.after()):
        warn(told)
    if code:
        raise click.exceptions.Exit(code)


def _all_accepted(ids: Sequence[str], start: Callable[[str], None]) -> int:
    _, well = each(ids, start)
    return 0 if well else 1


def run_together(jobs_of: Starts[Started], ids: Sequence[str], submit: Callable[[str], Started], most: int) -> int:
    """Run jobs, not more than `most` under way at once, and show how they go."""
    todo = deque(ids)
    ended: list[Event] = []
    with closing(jobs_of) as batch, signals_ask(batch) as got:

        def start(text: str) -> Started:
            started = submit(text)
            say_accepted()
            batch.start(started)
            return started

        jobs, well = each([todo.popleft() for _ in ids[:most]], start)
        going = len(jobs)
        # Live lines stand still: what is not known yet cannot be among them.
        listener: AbstractContextManager[Listener] = (
            nullcontext(Plain()) if todo else lines([_label(job) for job in jobs])
        )
        with listener as shown:
            while going or (todo and not got):
                while todo and going < most and not got:
                    jobs, accepted = each([todo.popleft()], start)
                    going, well = going + len(jobs), well and accepted
                event = batch.next(shown.interval) if going else None
                if event is not None and not event.ended:
                    shown.operator_began(_label(event.job))
                elif event is not None:
                    going -= 1
                    ended.append(event)
                    shown.operator_ended(_label(event.job), _succeeded(event), None)
                    if isinstance(shown, Lines):
                        shown.took(_label(event.job), event.seconds)
                    if shown.interval is None:
                        _say(event)
                with suppress(OSError):
                    shown.tick()
    if shown.interval is not None:
        for event in ended:
            _say(event)
    if todo:
        notice(f"not started: {' '.join(todo)}")
    if got:
        return 128 + got[0]
    return 0 if well and all(map(_succeeded, ended)) else 1


def _succeeded(event: Event) -> bool:
    return event.result is not None and event.result.succeeded


def _label(job: Named) -> str:
    return f"{' '.join(job.job_name.split())} {job.job_id}"


def _say(event: Event) -> None:
    """The outcome of a job on stderr, and why it is not good."""
    from clara_cli.cli import report

    with suppress(OSError):
        if event.error is not None:
            report(f"job {event.job.job_id}: {event.error.message}", event.error.hint)
        elif _succeeded(event):
            notice(f"job {event.job.job_id} ended with JOB_STATUS_HEALTHY")
        elif event.result is not None:
            explain(event.job.job_id, event.result)
