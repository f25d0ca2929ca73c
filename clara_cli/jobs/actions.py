"""What can be done with jobs: the functions behind the command line (and later the server and the console)."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from clara_cli.database import Database
from clara_cli.errors import PayloadError
from clara_cli.ids import new_id, resolve
from clara_cli.jobs import store
from clara_cli.jobs.definition import operator_images
from clara_cli.jobs.model import Job, Message, OperatorRecord
from clara_cli.jobs.states import JobPriority, JobState, JobStatus
from clara_cli.payloads.tree import PayloadTree, payload_tree
from clara_cli.payloads.upload import staged_payload
from clara_cli.pipelines.model import from_json
from clara_cli.pipelines.store import find_pipeline


@dataclass(frozen=True)
class CreatedJob:
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
) -> CreatedJob:
    """Make a job of a stored pipeline, with a copy of `source` (a file, or a folder's children) as its input.

    When this returns the upload is complete; when it raises nothing of the job exists.

    Raises:
        NotFound: no such pipeline.
        PayloadError: the input cannot be read or stored.
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
    with staged_payload(database.root, job.payload_id, source) as (aside, uploaded):
        try:
            with database.write() as connection:
                find_pipeline(connection, record.id)  # it may have been deleted during the upload
                store.insert_job(connection, job, operators)
                aside.rename(tree.path)
        except BaseException as error:
            shutil.rmtree(tree.path, ignore_errors=True)
            if isinstance(error, OSError):
                raise PayloadError(f"cannot make the payload folder {tree.path}: {error.strerror}") from error
            raise
    return CreatedJob(job, tree, uploaded)


@dataclass(frozen=True)
class JobView:
    """All that is shown of one job."""

    job: Job
    operators: tuple[OperatorRecord, ...]
    messages: tuple[Message, ...]
    tree: PayloadTree
    folder: Path


def find_job(database: Database, text: str) -> JobView:
    """The job with that id or unique prefix; NotFound otherwise."""
    with database.read() as connection:
        job_id = resolve(connection, "job", text)
        job = store.get_job(connection, job_id)
        operators = tuple(store.get_operators(connection, job_id))
        messages = tuple(store.get_messages(connection, job_id))
    tree = payload_tree(database.root, job.payload_id)
    return JobView(job, operators, messages, tree, database.root.jobs / job_id)
