"""`clara start job` where jobs run on a cluster: handed over, then followed as if they ran here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress

import click

from clara_cli.commands.base import notice, settings, warn
from clara_cli.commands.progress import environment_progress, lines
from clara_cli.commands.start import explain, say_accepted, signals_ask
from clara_cli.errors import ClaraError
from clara_cli.jobs import placed
from clara_cli.jobs.clean import clean_as_configured
from clara_cli.jobs.following import follow_job
from clara_cli.jobs.placing import place, submit_for_slurm
from clara_cli.runtime.stop import StopRequest


def start_placed(
    job_id: str,
    detach: bool,
    values: Mapping[str, str] | None = None,
    *,
    reuse: bool = False,
    cleaning: bool = True,
) -> None:
    """Hand a job over to Slurm; unless it is detached, follow it and end with its status.

    Raises:
        click.exceptions.Exit: the job did not end well (1), or a signal cancelled it (128 + its number).
    """
    with (
        closing(StopRequest()) as stop,
        environment_progress() as progress,
        settings().database() as (database, config),
    ):
        submitted = submit_for_slurm(database, config, job_id, values, progress, reuse=reuse)
        if reuse:
            reused = ", ".join(f"{name} (job {job})" for name, job in submitted.reused.items())
            notice(f"reused: {reused or 'nothing'}")
        plan = submitted.plan
        for _, error in place(database, config, [submitted]):
            raise error
        say_accepted()
        with database.read() as connection:
            where = placed.find(connection, plan.job_id)
        notice(f"Slurm job {where.remote if where else ''}")
        if detach:
            return
        with signals_ask(stop) as got, lines([operator.name for operator in plan.pipeline.operators]) as listener:
            try:
                result = follow_job(database, plan.job_id, listener, stop)
            except ClaraError as error:
                error.hint = error.hint or f"to go on from there: clara start job -j {plan.job_id} --resume"
                raise
        with suppress(OSError):
            explain(plan.job_id, result)
        if cleaning and (told := clean_as_configured(database, config)):
            warn(told)
    if not result.succeeded:
        raise click.exceptions.Exit(128 + got[0] if got and result.stopped is not None else 1)
