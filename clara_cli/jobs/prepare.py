"""What a job needs of this machine before it starts: programs, services, models, environments. All faults at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from clara_cli.addresses import parse_address
from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError, ConfigError, ImageError, NotFound
from clara_cli.images.environments import Environments
from clara_cli.images.lookup import find_program, find_programs
from clara_cli.images.make_environment import Progress
from clara_cli.images.program import Program
from clara_cli.images.store import registered_images
from clara_cli.jobs.actions import JobView
from clara_cli.jobs.fast_io import with_fast_io
from clara_cli.models.store import registered_folders
from clara_cli.pipelines.model import Pipeline
from clara_cli.runtime.environment import FAST_IO, passed_on
from clara_cli.runtime.limits import Limits
from clara_cli.runtime.machine import this_machine
from clara_cli.runtime.models import Models
from clara_cli.runtime.mounts import Mounts, find_mounts
from clara_cli.runtime.plan import JobPlan
from clara_cli.runtime.service_plan import Servers, plan_servers
from clara_cli.runtime.triton import is_triton


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
        registered = registered_folders(database.root, connection)
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
    models = Models(database.root.common, config.models, registered)
    given = {**config.services, **_checked(addresses or {})}
    servers = plan_servers(pipeline, find, given, config.triton)
    errors += [*servers.errors, *_missing_models(pipeline, servers, models)]
    if not errors:
        environments = Environments(database.root.environments, config.venv)
        programs, errors = _equipped(environments, pipeline, programs, servers, progress)
    mounts = find_mounts(config.mounts)
    if config.mounts == "require":
        errors += _unmounted(pipeline, mounts)
    if errors:
        raise _joined(errors)
    user = passed_on()
    if config.fast_io:
        programs = with_fast_io(programs)
        user[FAST_IO] = "1"
    machine = this_machine()
    limits = Limits(config.timeout, config.operator_timeout, config.service_timeout)
    return JobPlan(
        *(view.job.id, view.job.name, pipeline, programs, view.tree, view.folder, user),
        machine=replace(machine, cpus=config.cpus or machine.cpus, memory=config.memory or machine.memory),
        limits=limits,
        services=tuple(servers.services),
        variables=servers.variables,
        models=models,
        mounts=mounts,
        log_limit=config.log_limit << 20,
    )


def _equipped(
    environments: Environments,
    pipeline: Pipeline,
    programs: Mapping[str, Program],
    servers: Servers,
    progress: Progress | None,
) -> tuple[dict[str, Program], list[ClaraError]]:
    """The operators' programs with interpreters that have what they need; the services' are changed in place."""
    images = {operator.name: f"{operator.image}:{operator.tag}" for operator in pipeline.operators}
    equipped, errors = environments.equip_all(programs, images, progress)
    serving = {item.label: item.program for item in servers.services}
    images = {item.label: f"{item.service.image}:{item.service.tag}" for item in servers.services}
    found, more = environments.equip_all(serving, images, progress)
    if not more:
        servers.services = [replace(item, program=found[item.label]) for item in servers.services]
    return equipped, [*errors, *more]


def _unmounted(pipeline: Pipeline, mounts: Mounts) -> list[ClaraError]:
    """Operators that would run without mounts where these are required."""
    refusals = {item.name: mounts.refusal(item.paths) for item in pipeline.operators}
    hint = "install bubblewrap, or set `mounts: auto` in the configuration (CLARA_MOUNTS=auto)"
    return [
        ImageError(f"operator {name}: mounts are required, and it cannot have them: {refusal}", hint)
        for name, refusal in refusals.items()
        if refusal is not None
    ]


def _checked(addresses: Mapping[str, str]) -> dict[str, str]:
    try:
        return {name: parse_address(address) for name, address in addresses.items()}
    except ValueError as error:
        raise ConfigError(f"address of a service: {error}") from error


def _missing_models(pipeline: Pipeline, servers: Servers, models: Models) -> list[ClaraError]:
    """A Triton server that is started here can hold only the models of this machine."""
    if not any(is_triton(item.service) for item in servers.services):
        return []
    known = set(models.all())
    missing: list[ClaraError] = []
    for operator in pipeline.operators:
        for name in operator.models:
            if name not in known:
                try:
                    models.find(name)
                except NotFound as error:
                    missing.append(ImageError(f"operator {operator.name}: {error.message}", error.hint))
    return missing


def _joined(errors: list[ClaraError]) -> ImageError:
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    messages = dict.fromkeys(error.message for error in errors)
    return ImageError("\n".join(messages), hint="\n".join(hints) or None)
