"""`clara start jobs` for several ids where jobs run on a cluster: one array for those that ask for the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import click

from clara_cli.commands.base import settings, warn
from clara_cli.commands.progress import environment_progress
from clara_cli.commands.several import each
from clara_cli.commands.start import say_accepted
from clara_cli.commands.start_several import run_together
from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError
from clara_cli.jobs.batch import enough_files
from clara_cli.jobs.clean import clean_as_configured
from clara_cli.jobs.placed_batch import PlacedBatch, PlacedStart
from clara_cli.jobs.placing import ARRAY, place, submit_for_slurm


def start_several_placed(ids: Sequence[str], detach: bool, values: Mapping[str, str], *, reuse: bool = False) -> None:
    """Hand jobs over to Slurm; unless they are detached, follow them and end with 1 if one did not end well.

    Raises:
        click.exceptions.Exit: as `start_several`.
    """
    with settings().database() as (database, config), enough_files(len(ids)) as most:

        def submit(text: str) -> PlacedStart:
            with environment_progress() as progress:
                return PlacedStart(submit_for_slurm(database, config, text, values, progress, reuse=reuse))

        if detach:
            code = _all_handed_over(database, config, ids, submit)
        else:
            code = run_together(PlacedBatch(database, config), ids, submit, most)
            if told := clean_as_configured(database, config):
                warn(told)
    if code:
        raise click.exceptions.Exit(code)


def _all_handed_over(
    database: Database, config: Config, ids: Sequence[str], submit: Callable[[str], PlacedStart]
) -> int:
    """Together, so that Slurm is called once for many."""
    well = True
    for first in range(0, len(ids), ARRAY):
        started, accepted_all = each(ids[first : first + ARRAY], submit)
        refused = dict(place(database, config, [job.submitted for job in started]))
        for job in started:
            if job.job_id not in refused:
                say_accepted()
        _, placed_all = each(refused.items(), _refuse)
        well = well and accepted_all and placed_all
    return 0 if well else 1


def _refuse(item: tuple[str, ClaraError]) -> None:
    job_id, error = item
    raise ClaraError(f"job {job_id}: {error.message}", error.hint)
