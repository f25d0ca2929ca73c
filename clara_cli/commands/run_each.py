"""`clara run --each`: one job for each volume of a folder, one display, one table."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from clara_cli.commands.base import notice, settings
from clara_cli.commands.each_progress import EachProgress
from clara_cli.commands.progress import environment_progress
from clara_cli.commands.showing import is_brief
from clara_cli.commands.start import on_slurm, signals_ask
from clara_cli.errors import StateConflict, UsageError
from clara_cli.jobs.batch import Batch, Started, enough_files
from clara_cli.jobs.each import Volume, alone_in, done, find_volumes
from clara_cli.jobs.each_run import EachRun, Outcome, Wanted
from clara_cli.jobs.placed_batch import PlacedBatch, PlacedStart
from clara_cli.jobs.placing import submit_for_slurm
from clara_cli.jobs.recovery import recover
from clara_cli.output import table
from clara_cli.payloads.names import show_name
from clara_cli.site.interface import Site, StartedJob

# Seconds between two looks of the display.
_INTERVAL = 0.2


@dataclass(frozen=True)
class Chosen:
    """Which volumes, and whether only what is missing, or nothing is waited for."""

    folder: Path
    pattern: str
    resume: bool
    detach: bool


def run_each(site: Site, chosen: Chosen, wanted: Wanted) -> None:
    """Run one job for each volume.

    Raises:
        click.exceptions.Exit: a volume failed (1), or a signal cancelled what was left (128 + its number).
    """
    away = on_slurm(site)
    if chosen.detach and not away:
        raise UsageError("--detach of --each needs --engine slurm: on this machine this command runs the jobs")
    volumes = find_volumes(chosen.folder, chosen.pattern)
    target = wanted.target.absolute()
    if chosen.folder.absolute() in (target, *target.parents):
        raise UsageError(f"the results cannot go into {chosen.folder} itself, where the volumes are")
    with alone_in(wanted.target), settings().database() as (database, config):
        recover(database)
        there = done(wanted.target, volumes)
        if there and not chosen.resume:
            raise StateConflict(
                f"{wanted.target} holds results of {len(there)} of the {len(volumes)} volumes already",
                hint="--resume runs only what is missing; else name another folder",
            )
        missing = [item for item in volumes if item.name not in there]
        if there:
            notice(f"{len(there)} of {len(volumes)} volumes have their results: {len(missing)} to go")
        with enough_files(len(missing)) as files, environment_progress() as progress:
            if away:

                def hand_over(job_id: str) -> PlacedStart:
                    accept = submit_for_slurm
                    return PlacedStart(accept(database, config, job_id, wanted.values, progress, reuse=wanted.reuse))

                with closing(PlacedBatch(database, config)) as placed:
                    run = EachRun(database, placed, wanted, hand_over)
                    ended, got = _follow(run, placed, missing, len(missing), chosen.detach)
                    left = len(run.left)
            else:

                def start(job_id: str) -> StartedJob:
                    return site.jobs.start(job_id, wanted.values, progress, reuse=wanted.reuse)

                most = min(files, 2 * (os.cpu_count() or 1) + 2)
                with site.jobs.together(), closing(Batch()) as batch:
                    here = EachRun(database, batch, wanted, start)
                    ended, got = _follow(here, batch, missing, most, False)
                    left = len(here.left)
    _report(ended, left, wanted.target, chosen.detach)
    if got:
        raise click.exceptions.Exit(128 + got[0])
    if any(item.reason is not None for item in ended):
        raise click.exceptions.Exit(1)


def _follow(
    run: EachRun[Started], batch: Batch | PlacedBatch, volumes: Sequence[Volume], most: int, detach: bool
) -> tuple[list[Outcome], list[int]]:
    """Returns the outcomes, and the signals that came."""
    ended: list[Outcome] = []
    with _signals(batch, run) as got, EachProgress(len(volumes)) as shown:
        for outcome in run.make_all(volumes) if detach else run.outcomes(volumes, most, _INTERVAL):
            if outcome is not None:
                ended.append(outcome)
                shown.ended(outcome)
            shown.draw(run.running, run.waiting)
        if detach and isinstance(batch, PlacedBatch):
            batch.hand_over()
            while (event := batch.next(0.0)) is not None:
                if (outcome := run.refused(event)) is not None:
                    ended.append(outcome)
                    shown.ended(outcome)
    return ended, got


@contextmanager
def _signals(batch: Batch | PlacedBatch, run: EachRun[Started]) -> Iterator[list[int]]:
    class Both:
        def request(self, reason: str) -> None:
            run.stop()
            batch.request(reason)

    with signals_ask(Both()) as got:
        yield got


def _report(ended: Sequence[Outcome], left: int, target: Path, detached: bool) -> None:
    """The table on stdout, or the ids of jobs alone; the sum on stderr."""
    rows = [
        (
            show_name(item.volume.name),
            item.status or "-",
            item.job_id or "-",
            f"{item.seconds:.1f}",
            " ".join(item.reason.split()) if item.reason else "",
        )
        for item in sorted(ended, key=lambda item: item.volume.name)
    ]
    with suppress(OSError, ValueError):
        if is_brief():
            click.echo("".join(f"{item.job_id}\n" for item in ended if item.job_id), nl=False)
        elif rows:
            click.echo(table(["VOLUME", "STATUS", "JOB", "SECONDS", "REASON"], rows))
        sys.stdout.flush()
    failed = sum(item.failed for item in ended)
    cancelled = sum(item.cancelled for item in ended)
    well = len(ended) - failed - cancelled
    more = (f", {cancelled} cancelled" if cancelled else "") + (f"; {left} not started" if left else "")
    if detached:
        notice("the jobs go on in Slurm; the same call with --resume, without --detach, follows them and keeps results")
    else:
        notice(f"{well} of {len(ended) + left} ended well, {failed} failed{more}; results: {target}")
    if failed or cancelled or left:
        notice("to run what is missing: the same call with --resume")
