"""Jobs as the published API tells of them: less than clara's own service says, but from any server."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

from clara_cli.errors import RuntimeFailure
from clara_cli.jobs.model import Job, Message, OperatorRecord
from clara_cli.jobs.states import JobPriority, JobState, JobStatus, OperatorStatus
from clara_cli.remote.connection import Connection
from clara_cli.server.timestamps import from_job_time
from clara_cli.server.wire import jobs_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier
from clara_cli.site.model import DescribedJob

Word = TypeVar("Word", bound=Enum)


def list_jobs(connection: Connection) -> list[Job]:
    """All jobs, newest first."""
    answers = connection.ask_often(connection.jobs.List, wire.JobsListRequest())
    details = (answer.job_details for answer in answers)
    jobs = [_job(item, item.job_name) for item in details if item.job_id.value]
    # The last one first, also among those of one second.
    jobs.reverse()
    jobs.sort(key=lambda job: job.created, reverse=True)
    return jobs


def describe_job(connection: Connection, job_id: str) -> DescribedJob:
    """A job, its operators and its messages; where its payload lies is not said."""
    found = connection.ask(connection.jobs.Status, wire.JobsStatusRequest(job_id=Identifier(value=job_id)))
    operators = [
        OperatorRecord(
            item.name,
            "",
            _word(OperatorStatus, wire.JobOperatorStatus, item.status, "JOB_OPERATOR_STATUS_"),
            _time(item, "started"),
            _time(item, "stopped"),
            None,
        )
        for item in found.operator_details
    ]
    job = _job(found, found.name)
    messages = tuple(Message(job.created, "info", text) for text in found.messages)
    return DescribedJob(job, tuple(operators), messages, dict(found.metadata), "", payload_exists=True)


def _job(found: Any, name: str) -> Job:
    started = _time(found, "started")
    return Job(
        found.job_id.value,
        found.payload_id.value,
        found.pipeline_id.value,
        name,
        _word(JobState, wire.JobState, found.state, "JOB_STATE_"),
        _word(JobStatus, wire.JobStatus, found.status, "JOB_STATUS_"),
        _word(JobPriority, wire.JobPriority, found.priority, "JOB_PRIORITY_"),
        _time(found, "created") or 0.0,
        started,
        started,
        _time(found, "stopped"),
    )


def _time(found: Any, name: str) -> float | None:
    return from_job_time(getattr(found, name)) if found.HasField(name) else None


def _word(kind: type[Word], names: Any, value: int, prefix: str) -> Word:
    try:
        return kind(names.Name(value).removeprefix(prefix))
    except ValueError as error:
        raise RuntimeFailure(f"the platform answered {prefix}{value}, which is not known") from error
