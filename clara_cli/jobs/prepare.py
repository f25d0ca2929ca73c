"""What a job needs of this machine before it starts: programs, services, models, environments. All faults at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError, ImageError
from clara_cli.images.lookup import find_program, find_programs
from clara_cli.images.program import REQUIREMENTS, Program
from clara_cli.images.store import registered_images
from clara_cli.jobs.actions import JobView
from clara_cli.jobs.warm import user_environment
from clara_cli.pipelines.model import Pipeline
from clara_cli.runtime.capacity import Machine
from clara_cli.runtime.limits import Limits
from clara_cli.runtime.machine import this_machine
from clara_cli.runtime.mounts import Mounts, find_mounts
from clara_cli.runtime.plan import JobPlan

if TYPE_CHECKING:
    from clara_cli.images.make_environment import Progress
    from clara_cli.runtime.models import Models
    from clara_cli.runtime.service_plan import ServicePlan


def prepare(
    database: Database,
    config: Config,
    view: JobView,
    pipeline: Pipeline,
    *,
    addresses: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> JobPlan:
    """All that the runner needs to know of a job.

    Args:
        pipeline: the job's definition, with nothing left to fill in.
        addresses: connection name → address of a server that runs already; counts more than the configuration's.
        progress: told what is done when an operator's environment is made.

    Raises:
        ImageError: programs, services or models are missing; says so for all of them at once.
        ConfigError: a given address is none.
    """
    with database.read() as connection:
        images = registered_images(connection)
    folder = Path(view.job.folder) if view.job.folder else None

    def find(image: str, tag: str, command: Sequence[str]) -> Program:
        return find_program(
            *(image, tag, command), registered=images, definition_folder=folder, search_path=config.operator_path
        )

    errors: list[ClaraError] = []
    programs: dict[str, Program] = {}
    try:
        programs = find_programs(
            pipeline.operators, registered=images, definition_folder=folder, search_path=config.operator_path
        )
    except ImageError as error:
        errors.append(error)
    models: Models | None = None
    services: list[ServicePlan] = []
    variables: Mapping[str, Mapping[str, str]] = {}
    # Loaded by the jobs that ask for it: it takes longer than what most have to do.
    if addresses or any(operator.services or operator.models for operator in pipeline.operators):
        from clara_cli.jobs.serve import serve

        models, servers = serve(database, config, pipeline, find, addresses or {})
        services, variables = servers.services, servers.variables
        errors += servers.errors
    if not errors:
        programs, services, errors = _equipped(database, config, pipeline, programs, services, progress)
    mounts = find_mounts(config.mounts, database.root.path)
    if config.mounts == "require":
        errors += _unmounted(pipeline, mounts)
    if errors:
        raise _joined(errors)
    user = user_environment(config)
    if config.fast_io:
        from clara_cli.jobs.fast_io import with_fast_io

        programs = with_fast_io(programs)
    machine = this_machine()
    limits = Limits(config.timeout, config.operator_timeout, config.service_timeout)
    return JobPlan(
        *(view.job.id, view.job.name, pipeline, programs, view.tree, view.folder, user),
        machine=Machine(config.cpus or machine.cpus, config.memory or machine.memory, machine.gpus),
        limits=limits,
        services=tuple(services),
        variables=variables,
        models=models,
        mounts=mounts,
        log_limit=config.log_limit << 20,
    )


def _equipped(
    database: Database,
    config: Config,
    pipeline: Pipeline,
    programs: dict[str, Program],
    services: list[ServicePlan],
    progress: Progress | None,
) -> tuple[dict[str, Program], list[ServicePlan], list[ClaraError]]:
    """Operators' programs and services with interpreters that have what they need."""
    every = (*programs.values(), *(item.program for item in services))
    if not any((program.folder / REQUIREMENTS).is_file() for program in every):
        return programs, services, []
    from dataclasses import replace

    from clara_cli.images.environments import Environments

    environments = Environments(database.root.environments, config.venv)
    images = {operator.name: f"{operator.image}:{operator.tag}" for operator in pipeline.operators}
    equipped, errors = environments.equip_all(programs, images, progress)
    serving = {item.label: item.program for item in services}
    images = {item.label: f"{item.service.image}:{item.service.tag}" for item in services}
    found, more = environments.equip_all(serving, images, progress)
    if not more:
        services = [replace(item, program=found[item.label]) for item in services]
    return equipped, services, [*errors, *more]


def _unmounted(pipeline: Pipeline, mounts: Mounts) -> list[ClaraError]:
    """Operators that would run without mounts where these are required."""
    refusals = {item.name: mounts.refusal(item.paths) for item in pipeline.operators}
    hint = "install bubblewrap, or set `mounts: auto` in the configuration (CLARA_MOUNTS=auto)"
    return [
        ImageError(f"operator {name}: mounts are required, and it cannot have them: {refusal}", hint)
        for name, refusal in refusals.items()
        if refusal is not None
    ]


def _joined(errors: list[ClaraError]) -> ImageError:
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    messages = dict.fromkeys(error.message for error in errors)
    return ImageError("\n".join(messages), hint="\n".join(hints) or None)
