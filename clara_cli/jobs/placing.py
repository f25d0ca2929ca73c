"""Handing jobs over to Slurm, and cancelling them there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError, RuntimeFailure
from clara_cli.images.make_environment import Progress
from clara_cli.jobs import placed, store
from clara_cli.jobs.handover import Handover
from clara_cli.jobs.journal import open_journal
from clara_cli.jobs.start import SubmittedJob, submit_job
from clara_cli.jobs.states import PRIORITY_WORDS
from clara_cli.runtime.early_start import fork_server
from clara_cli.slurm.command import SlurmRefusal, ask
from clara_cli.slurm.look import largest_node
from clara_cli.slurm.requests import Ask, ask_of
from clara_cli.slurm.script import batch_script, sbatch_words
from clara_cli.slurm_options import NO_OPTIONS

# Slurm's own default of MaxArraySize is 1001.
ARRAY = 1000
_WORDS = {priority: word for word, priority in PRIORITY_WORDS.items() if word in ("low", "normal", "high", "immediate")}


def submit_for_slurm(
    database: Database,
    config: Config,
    text: str,
    values: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    *,
    reuse: bool = False,
) -> SubmittedJob:
    """Accept a job's start, as `submit_job`; `place` is what hands it over."""
    fork_server(False, {})  # one that was started early is of no use here
    # Whether mounts work is found out on the node.
    away = config._replace(mounts="off")
    return submit_job(database, away, text, values, progress, reuse=reuse, queued=False)


def place(database: Database, config: Config, jobs: Sequence[SubmittedJob]) -> list[tuple[str, ClaraError]]:
    """Hand submitted jobs over to Slurm: one call of sbatch for all that ask for the same.

    From now on their locks are given back. A job that is not taken is recorded as faulted.

    Returns:
        the jobs that were not taken, each with the reason.
    """
    refused: list[tuple[str, ClaraError]] = []
    waiting = [(_words(database, config, job), job) for job in jobs]
    for words, group in groupby(sorted(waiting, key=lambda item: item[0]), key=lambda item: item[0]):
        members = [job for _, job in group]
        for first in range(0, len(members), ARRAY):
            part = members[first : first + ARRAY]
            try:
                _place_alike(database, config, part, words)
            except ClaraError as error:
                _give_up(database, part)
                for job in part:
                    with suppress(ClaraError), job:
                        raise error
                    refused.append((job.plan.job_id, error))
            else:
                for job in part:
                    os.close(job.lock)
    return refused


def _words(database: Database, config: Config, job: SubmittedJob) -> tuple[str, str, int, int, int, float]:
    """What a job is called and asks for: jobs that agree in this become one array."""
    with database.read() as connection:
        priority = _WORDS[store.get_job(connection, job.plan.job_id).priority]
    pipeline = job.plan.pipeline
    wanted = ask_of(pipeline, cpus=config.cpus, memory=config.memory)
    limit = config.timeout if pipeline.timeout is None else pipeline.timeout
    return pipeline.name, priority, wanted.cpus, wanted.memory or 0, wanted.gpus, float(limit or 0.0)


def _place_alike(
    database: Database,
    config: Config,
    jobs: Sequence[SubmittedJob],
    words: tuple[str, str, int, int, int, float],
) -> None:
    name, priority, cpus, memory, gpus, limit = words
    wanted = Ask(cpus, memory or None, gpus, limit or None)
    _check_size(wanted, config)
    with database.write() as connection:
        placed.enter(connection, [job.plan.job_id for job in jobs])
    for job in jobs:
        Handover(job.plan, config.mounts, config.warm_start).write()
    package = Path(__file__).parents[2]
    script = batch_script(database.root.jobs.absolute(), [job.plan.job_id for job in jobs], sys.executable, package)
    call = sbatch_words(name, len(jobs), priority, wanted, config.slurm or NO_OPTIONS)
    try:
        said = ask(call, script)
    except SlurmRefusal as error:
        raise RuntimeFailure(
            f"Slurm refuses the job: {error.message}", hint=f"it was asked by: {' '.join(call)}"
        ) from None
    # `12`, or `12;cluster`
    remote = said.strip().splitlines()[-1].partition(";")[0] if said.strip() else ""
    if not remote.isdigit():
        raise RuntimeFailure(f"sbatch did not say the number of the job: {said.strip()!r}")
    ids = [remote] if len(jobs) == 1 else [f"{remote}_{number}" for number in range(len(jobs))]
    with database.write() as connection:
        placed.hand_over(connection, zip((job.plan.job_id for job in jobs), ids, strict=True))
        given_up = [job.plan.job_id for job in jobs if store.cancel_reason(connection, job.plan.job_id) is not None]
    # Whoever cancelled them meanwhile did not know their numbers.
    cancel(database, given_up)


def _give_up(database: Database, jobs: Sequence[SubmittedJob]) -> None:
    """Jobs that were not handed over, as far as is known: should Slurm have one all the same, nobody begins it."""
    for job in jobs:
        with suppress(ClaraError):
            open_journal(job.plan.folder)
    with database.write() as connection:
        placed.leave(connection, [job.plan.job_id for job in jobs])


def _check_size(wanted: Ask, config: Config) -> None:
    """Refuse at once what no node has: Slurm itself lets some of it wait for ever."""
    partition = (config.slurm or NO_OPTIONS).partition
    largest = largest_node(partition)
    if largest is None:
        return
    where = f"partition {partition}" if partition else "the default partition"
    for what, asked, has, key in (
        ("cores", wanted.cpus, largest[0], "cpus"),
        ("MB of memory", wanted.memory or 0, largest[1], "memory"),
    ):
        if asked > has:
            raise RuntimeFailure(
                f"the job asks for {asked} {what}, and the largest node of {where} has {has}",
                hint=f"operators that can run side by side are added up; `{key}` in the configuration bounds that",
            )


def cancel(database: Database, jobs: Iterable[str], *, kill: bool = False) -> None:
    """Have Slurm end jobs that were placed there, in one call; how that goes is seen in their journals.

    Args:
        kill: without asking their runners.

    Raises:
        RuntimeFailure: Slurm does not answer.
    """
    with database.read() as connection:
        found = [placed.find(connection, job) for job in jobs]
    remotes = [item.remote for item in found if item is not None and item.remote is not None]
    if remotes:
        words = ["scancel", *(["--full", "--signal=KILL"] if kill else [])]
        try:
            ask([*words, *remotes])
        except SlurmRefusal:
            return  # it has ended, or is not known: the next look says so
