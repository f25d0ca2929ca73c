"""The definition of a job: as it was stored, or filled with the values of its start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from clara_cli.database import Database
from clara_cli.jobs import store
from clara_cli.jobs.model import Job, OperatorRecord
from clara_cli.jobs.states import OperatorStatus
from clara_cli.pipelines.model import Pipeline, from_json


def stored(job: Job) -> Pipeline:
    """The definition as the record holds it."""
    return from_json(json.loads(job.definition))


def split(job: Job, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The values of a start as (values of parameters, addresses of servers by connection name)."""
    if not values:
        return {}, {}
    services = (service for operator in stored(job).operators for service in operator.services)
    connections = {connection.name for service in services for connection in service.connections}
    variables = {name: value for name, value in values.items() if name not in connections}
    return variables, {name: value for name, value in values.items() if name in connections}


def filled(database: Database, job: Job, variables: Mapping[str, str], files_of: str | None = None) -> Pipeline:
    """The definition with every placeholder filled from the job's own files, or those of the job `files_of`.

    Raises:
        DefinitionError: a placeholder that nothing fills, a value for no parameter, or one that does not fit.
    """
    if not job.templated and not variables:
        return stored(job)
    # Only these jobs need YAML and schemas.
    from clara_cli.pipelines.load import load_files

    own = {
        "JOB_ID": job.id,
        "JOB_NAME": job.name,
        "PAYLOAD_ID": job.payload_id,
        "PIPELINE_ID": job.pipeline_id,
    }
    with database.read() as connection:
        files = store.job_files(connection, files_of or job.id)
    return load_files(files, variables, own).pipeline


def remaining(pipeline: Pipeline, records: Iterable[OperatorRecord]) -> Pipeline:
    """The operators that are to be run: those that the job took over from another one count as completed already."""
    completed = {item.name for item in records if item.status is OperatorStatus.COMPLETED}
    return pipeline._replace(operators=tuple(item for item in pipeline.operators if item.name not in completed))


def operator_images(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Name and image with tag of each operator, as a job's record lists them."""
    return [(operator.name, f"{operator.image}:{operator.tag}") for operator in pipeline.operators]
