"""The Jobs service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import lru_cache

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import StateConflict, UsageError
from clara_cli.jobs import store
from clara_cli.jobs.actions import CreatedJob, JobView, create_job, find_job
from clara_cli.jobs.ending import ask_to_cancel, end_elsewhere, finish_cancelling
from clara_cli.jobs.model import Job
from clara_cli.jobs.start import submit_job
from clara_cli.jobs.states import JobPriority, JobState, JobStatus
from clara_cli.metadata import all_metadata
from clara_cli.payloads.names import show_name
from clara_cli.payloads.receive import check_room
from clara_cli.payloads.tree import payload_tree
from clara_cli.payloads.walk import disk_usage
from clara_cli.pipelines.model import from_json
from clara_cli.server import codes, job_logs, metadata
from clara_cli.server.codes import Refusal
from clara_cli.server.identifiers import read_id, wire_id
from clara_cli.server.platform import Platform
from clara_cli.server.timestamps import from_job_time, job_time, text_time
from clara_cli.server.unchanged import Unchanged
from clara_cli.server.wire import jobs_pb2 as wire
from clara_cli.server.wire.common_pb2 import ResponseHeader

# 0, which many clients send, is the default.
_PRIORITIES = {0: JobPriority.NORMAL, **{wire.JobPriority.Value(known.wire): known for known in JobPriority}}
_STATES = {known: wire.JobState.Value(known.wire) for known in JobState}
_STATUSES = {known: wire.JobStatus.Value(known.wire) for known in JobStatus}
_LONGEST_NAME, _LONGEST_REASON = 255, 1000


class Jobs:
    """The service."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._unchanged = Unchanged(platform.root)

    async def create(self, request: wire.JobsCreateRequest) -> wire.JobsCreateResponse:
        name, pipeline = _checked_name(request.name), read_id(request.pipeline_id, "pipeline")
        priority = _priority(request.priority)
        payloads = [read_id(payload, "payload") for payload in request.input_payloads]
        pairs = dict(request.metadata)

        def create(database: Database) -> CreatedJob:
            coming = sum(disk_usage(payload_tree(database.root, payload).path) for payload in payloads)
            check_room(database.root, self._platform.config.platform.storage, coming)
            return create_job(database, name, pipeline, None, priority, payloads=payloads, metadata=pairs)

        created = await self._platform.slow.call(create)
        return wire.JobsCreateResponse(
            header=ResponseHeader(), job_id=wire_id(created.job.id), payload_id=wire_id(created.job.payload_id)
        )

    async def start(self, request: wire.JobsStartRequest) -> wire.JobsStartResponse:
        job_id = read_id(request.job_id, "job")
        values: dict[str, str] = {}
        for variable in request.Variables:
            if variable.name.casefold() in {name.casefold() for name in values}:
                raise UsageError(f'the variable "{variable.name}" has two values')
            values[variable.name] = variable.value

        def start(database: Database) -> Job:
            if self._platform.config.engine == "slurm":
                _place(database, self._platform.config, job_id, values)
            else:
                with submit_job(database, self._platform.config, job_id, values) as submitted:
                    self._platform.runners.run(submitted)
            return _get(database, job_id)

        job = await self._platform.slow.call(start)
        return wire.JobsStartResponse(
            header=ResponseHeader(), state=job.state.wire, status=job.status.wire, priority=job.priority.wire
        )

    async def cancel(self, request: wire.JobsCancelRequest) -> wire.JobsCancelResponse:
        job_id = read_id(request.job_id, "job")
        # It is shown with the job, on terminals too.
        reason = show_name(request.reason.strip()[:_LONGEST_REASON]) or "asked for over the platform's API"

        def cancel(database: Database) -> Job:
            # One that has ended, before or meanwhile, is answered with how it ended.
            try:
                ask_to_cancel(database, job_id, reason)
                end_elsewhere(database, [job_id])
                return finish_cancelling(database, job_id)
            except StateConflict:
                job = _get(database, job_id)
                if job.state is not JobState.STOPPED:
                    raise
                return job

        job = await self._platform.slow.call(cancel)
        return wire.JobsCancelResponse(
            header=ResponseHeader(),
            job_id=wire_id(job.id),
            job_state=job.state.wire,
            job_status=job.status.wire,
        )

    async def status(self, request: wire.JobsStatusRequest) -> bytes:
        job_id = read_id(request.job_id, "job")
        question = job_id.encode()
        known = self._unchanged.find(question)
        if known is None:
            keep = self._unchanged.keeper(question)
            known = keep([_status(await self._platform.quick.call(find_job, job_id))])
        return known[0]

    async def list(self, request: wire.JobsListRequest) -> AsyncIterator[bytes]:
        """Oldest first; without a filter all of them."""
        wanted = _Filter(request.filter)
        question = b"list" + request.filter.SerializeToString()
        known = self._unchanged.find(question)
        if known is None:
            keep = self._unchanged.keeper(question)
            jobs, pairs = await self._platform.quick.call(_look_at_all)
            known = keep([_entry(job, pairs.get(job.id)) for job in jobs if wanted(job)])
        for answer in known:
            yield answer

    async def read_logs(self, request: wire.JobsReadLogsRequest) -> AsyncIterator[wire.JobsReadLogsResponse]:
        job_id, name = read_id(request.job_id, "job"), request.operator_name
        if not name:
            raise Refusal(codes.NO_OPERATOR, "the name of an operator is missing")
        lines = await self._platform.quick.call(job_logs.open_log, job_id, name)
        while (part := await self._platform.quick.run(lines.next_part)) is not None:
            yield wire.JobsReadLogsResponse(
                header=ResponseHeader(), job_id=wire_id(job_id), operator_name=name, logs=part
            )

    async def add_metadata(self, request: wire.JobsAddMetadataRequest) -> wire.JobsAddMetadataResponse:
        job_id = read_id(request.job_id, "job")
        pairs = await self._platform.quick.call(metadata.add, "job", job_id, request.metadata)
        return wire.JobsAddMetadataResponse(header=ResponseHeader(), job_id=wire_id(job_id), metadata=pairs)

    async def remove_metadata(self, request: wire.JobsRemoveMetadataRequest) -> wire.JobsRemoveMetadataResponse:
        job_id = read_id(request.job_id, "job")
        pairs = await self._platform.quick.call(metadata.remove, "job", job_id, request.keys)
        return wire.JobsRemoveMetadataResponse(header=ResponseHeader(), job_id=wire_id(job_id), metadata=pairs)


class _Filter:
    """Which jobs a list is to show: all conditions together, any value within one."""

    def __init__(self, wanted: wire.JobsListRequest.JobFilter) -> None:
        self._before = from_job_time(wanted.completed_before) if wanted.HasField("completed_before") else None
        self._after = from_job_time(wanted.created_after) if wanted.HasField("created_after") else None
        self._states = set(wanted.has_state)
        self._statuses = set(wanted.has_status)
        self._pipelines = {read_id(pipeline, "pipeline") for pipeline in wanted.pipeline_id}

    def __call__(self, job: Job) -> bool:
        return (
            (self._before is None or (job.stopped is not None and job.stopped < self._before))
            and (self._after is None or job.created > self._after)
            and (not self._states or _STATES[job.state] in self._states)
            and (not self._statuses or _STATUSES[job.status] in self._statuses)
            and (not self._pipelines or job.pipeline_id in self._pipelines)
        )


def _place(database: Database, config: Config, job_id: str, values: dict[str, str]) -> None:
    """Hand a job over to Slurm."""
    from clara_cli.jobs.placing import place, submit_for_slurm

    for _, error in place(database, config, [submit_for_slurm(database, config, job_id, values)]):
        raise error


def _checked_name(name: str) -> str:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise Refusal(
            codes.JOB_NAME, f"the name of a job is printable text of 1 to {_LONGEST_NAME} characters, not {name[:80]!r}"
        )
    return name


def _priority(value: int) -> JobPriority:
    try:
        return _PRIORITIES[value]
    except KeyError:
        raise Refusal(codes.PRIORITY, f"{value} is no priority: expected a value of JobPriority, 1 to 4") from None


def _get(database: Database, job_id: str) -> Job:
    with database.read() as connection:
        return store.get_job(connection, job_id)


def _look_at_all(database: Database) -> tuple[list[Job], dict[str, dict[str, str]]]:
    with database.read() as connection:
        return store.list_jobs(connection)[::-1], all_metadata(connection, "jobs")


def _status(view: JobView) -> wire.JobsStatusResponse:
    job = view.job
    return wire.JobsStatusResponse(
        header=ResponseHeader(),
        job_id=wire_id(job.id),
        pipeline_id=wire_id(job.pipeline_id),
        payload_id=wire_id(job.payload_id),
        state=job.state.wire,
        status=job.status.wire,
        name=job.name,
        priority=job.priority.wire,
        created=job_time(job.created),
        started=job_time(job.started),
        stopped=job_time(job.stopped),
        operator_details=[
            wire.JobsStatusResponse.JobOperatorDetails(
                name=operator.name,
                status=operator.status.wire,
                # An operator is there from the start of its job on.
                created=job_time(job.submitted),
                started=job_time(operator.started),
                stopped=job_time(operator.stopped),
            )
            for operator in view.operators
        ],
        metadata=view.metadata,
        dag=_dag(job.definition),
        messages=[codes.clean(message.text) for message in view.messages],
        timestamp_created=text_time(job.created),
        timestamp_started=text_time(job.started),
        timestamp_stopped=text_time(job.stopped),
    )


def _entry(job: Job, pairs: dict[str, str] | None) -> wire.JobsListResponse:
    details = wire.JobsListResponse.JobDetails(
        job_id=wire_id(job.id),
        payload_id=wire_id(job.payload_id),
        pipeline_id=wire_id(job.pipeline_id),
        job_name=job.name,
        state=job.state.wire,
        status=job.status.wire,
        priority=job.priority.wire,
        created=job_time(job.created),
        started=job_time(job.started),
        stopped=job_time(job.stopped),
        metadata=pairs,
        timestamp_created=text_time(job.created),
        timestamp_started=text_time(job.started),
        timestamp_stopped=text_time(job.stopped),
    )
    return wire.JobsListResponse(header=ResponseHeader(), job_details=details)


@lru_cache(64)
def _dag(definition: str) -> tuple[wire.JobsStatusResponse.JobDagNode, ...]:
    """One node for each operator, in the order of the definition, with those whose output it reads."""
    node = wire.JobsStatusResponse.JobDagNode
    return tuple(
        node(name=operator.name, input_dependencies=[node(name=source) for source in sorted(operator.sources)])
        for operator in from_json(json.loads(definition)).operators
    )
