"""`clara start jobs` for several ids: all are submitted, and run through the queue as the machine has room."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress

import click

from clara_cli.commands.base import notice, settings, warn
from clara_cli.commands.progress import Lines, Plain, environment_progress, lines
from clara_cli.commands.several import each
from clara_cli.commands.start import explain, say_accepted, signals_ask
from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError
from clara_cli.jobs.batch import Batch, Event, enough_files
from clara_cli.jobs.clean import clean_as_configured
from clara_cli.jobs.placed_batch import PlacedBatch, batch_for
from clara_cli.jobs.placing import ARRAY, place, submit_for_slurm
from clara_cli.jobs.start import SubmittedJob, run_detached, submit_job
from clara_cli.runtime.listener import Listener
from clara_cli.runtime.plan import JobPlan


def start_several(
    database: Database,
    config: Config,
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
    detach = detach or config.start == "detach"
    away = config.engine == "slurm"

    def submit(text: str) -> SubmittedJob:
        with environment_progress() as progress:
            accept = submit_for_slurm if away else submit_job
            return accept(database, config, text, values, progress, reuse=reuse)

    def hand_over(text: str) -> None:
        with submit(text) as submitted:
            say_accepted()
            run_detached(submitted, config, settings().config_file)

    with enough_files(len(ids)) as most:
        if away and detach:
            code = _all_handed_over(database, config, ids, submit)
        elif detach:
            code = _all_accepted(ids, hand_over)
        else:
            with batch_for(database, config) as batch:
                code = _run(batch, ids, submit, most)
    if not detach and (told := clean_as_configured(database, config)):
        warn(told)
    if code:
        raise click.exceptions.Exit(code)


def _all_accepted(ids: Sequence[str], start: Callable[[str], None]) -> int:
    _, well = each(ids, start)
    return 0 if well else 1


def _all_handed_over(
    database: Database, config: Config, ids: Sequence[str], submit: Callable[[str], SubmittedJob]
) -> int:
    """Jobs for Slurm: together, so that it is called once for many."""
    well = True
    for first in range(0, len(ids), ARRAY):
        submitted, accepted_all = each(ids[first : first + ARRAY], submit)
        refused = dict(place(database, config, submitted))
        for job in submitted:
            if job.plan.job_id not in refused:
                say_accepted()
        _, placed_all = each(refused.items(), _refuse)
        well = well and accepted_all and placed_all
    return 0 if well else 1


def _refuse(item: tuple[str, ClaraError]) -> None:
    job_id, error = item
    raise ClaraError(f"job {job_id}: {error.message}", error.hint)


def _run(batch: Batch | PlacedBatch, ids: Sequence[str], submit: Callable[[str], SubmittedJob], most: int) -> int:
    """Run jobs in this process, not more than `most` under way at once, and show how they go."""
    todo = deque(ids)
    ended: list[Event] = []
    with signals_ask(batch) as got:

        def start(text: str) -> JobPlan:
            submitted = submit(text)
            say_accepted()
            batch.start(submitted)
            return submitted.plan

        plans, well = each([todo.popleft() for _ in ids[:most]], start)
        going = len(plans)
        # Live lines stand still: what is not known yet cannot be among them.
        listener: AbstractContextManager[Listener] = (
            nullcontext(Plain()) if todo else lines([_label(plan) for plan in plans])
        )
        with listener as shown:
            while going or (todo and not got):
                while todo and going < most and not got:
                    plans, accepted = each([todo.popleft()], start)
                    going, well = going + len(plans), well and accepted
                event = batch.next(shown.interval) if going else None
                if event is not None and not event.ended:
                    shown.operator_began(_label(event.plan))
                elif event is not None:
                    going -= 1
                    ended.append(event)
                    shown.operator_ended(_label(event.plan), _succeeded(event), None)
                    if isinstance(shown, Lines):
                        shown.took(_label(event.plan), event.seconds)
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


def _label(plan: JobPlan) -> str:
    return f"{' '.join(plan.job_name.split())} {plan.job_id}"


def _say(event: Event) -> None:
    """The outcome of a job on stderr, and why it is not good."""
    from clara_cli.cli import report

    with suppress(OSError):
        if event.error is not None:
            report(f"job {event.plan.job_id}: {event.error.message}", event.error.hint)
        elif _succeeded(event):
            notice(f"job {event.plan.job_id} ended with JOB_STATUS_HEALTHY")
        elif event.result is not None:
            explain(event.plan.job_id, event.result)
