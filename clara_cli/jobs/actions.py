"""What can be done with jobs: the functions behind the command line (and later the server and the console)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from clara_cli.database import Database
from clara_cli.ids import new_id, resolve
from clara_cli.jobs import placed, store
from clara_cli.jobs.definition import operator_images
from clara_cli.jobs.model import Job, Message, OperatorRecord
from clara_cli.jobs.placed import Placed
from clara_cli.jobs.states import JobPriority, JobState, JobStatus
from clara_cli.metadata import add_metadata, get_metadata
from clara_cli.payloads.tree import PayloadTree, payload_tree
from clara_cli.pipelines.model import from_json
from clara_cli.pipelines.store import find_pipeline

if TYPE_CHECKING:
    from clara_cli.payloads.upload import Meter


class CreatedJob(NamedTuple):
    """A new job and how many input files were uploaded."""

    job: Job
    tree: PayloadTree
    uploaded: int


def create_job(
    database: Database,
    name: str,
    pipeline: str,
    source: Path | None,
    priority: JobPriority = JobPriority.NORMAL,
    *,
    payloads: Sequence[str] = (),
    metadata: Mapping[str, str] = MappingProxyType({}),
    meter: Meter | None = None,
) -> CreatedJob:
    """Make a job of a stored pipeline, with a copy of `source` (a file, or a folder's children) as its input.

    When this returns the upload is complete; when it raises nothing of the job exists.

    Args:
        payloads: ids of reusable payloads, which are copied into the input after `source`, in this order.
        meter: shown how far the upload is.

    Raises:
        NotFound: no such pipeline or payload.
        PayloadError: the input cannot be read or stored, or two inputs have a file of one name.
        UsageError: the metadata is against the rules.
    """
    with database.read() as connection:
        record = find_pipeline(connection, pipeline)
    job = Job(
        id=new_id(),
        payload_id=new_id(),
        pipeline_id=record.id,
        name=name,
        state=JobState.PENDING,
        status=JobStatus.HEALTHY,
        priority=priority,
        created=time.time(),
        submitted=None,
        started=None,
        stopped=None,
        folder=record.folder,
        definition=record.definition,
        templated=record.templated,
    )
    operators = operator_images(from_json(json.loads(record.definition)))
    tree = payload_tree(database.root, job.payload_id)
    # Only those who create jobs need it.
    from clara_cli.payloads.actions import copy_payloads
    from clara_cli.payloads.staging import put_in_place, sweep_payloads
    from clara_cli.payloads.upload import staged_payload

    sweep_payloads(database)
    with staged_payload(database.root, job.payload_id, source, meter) as (aside, uploaded):
        copied = copy_payloads(database, payloads, aside / "input", meter)
        with database.write() as connection:
            find_pipeline(connection, record.id)  # it may have been deleted during the upload
            store.insert_job(connection, job, operators)
            add_metadata(connection, job.id, metadata)
            put_in_place(aside, tree.path)
    return CreatedJob(job, tree, uploaded + copied)


class JobView(NamedTuple):
    """All that is shown of one job; `placed` is None where it runs on this machine."""

    job: Job
    operators: tuple[OperatorRecord, ...]
    messages: tuple[Message, ...]
    tree: PayloadTree
    folder: Path
    metadata: Mapping[str, str] = MappingProxyType({})
    placed: Placed | None = None


def find_job(database: Database, text: str) -> JobView:
    """The job with that id or unique prefix; NotFound otherwise."""
    with database.read() as connection:
        job_id = resolve(connection, "job", text)
        job = store.get_job(connection, job_id)
        operators = tuple(store.get_operators(connection, job_id))
        messages = tuple(store.get_messages(connection, job_id))
        metadata = get_metadata(connection, job_id)
        where = placed.find(connection, job_id)
    tree = payload_tree(database.root, job.payload_id)
    return JobView(job, operators, messages, tree, database.root.jobs / job_id, metadata, where)
