"""Jobs of a platform."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from types import MappingProxyType

from clara_cli.errors import ClaraError, PayloadError, StateConflict
from clara_cli.jobs.clean import Ended
from clara_cli.jobs.listing import rows_of
from clara_cli.jobs.model import Job, OperatorRecord
from clara_cli.jobs.model import Message as JobMessage
from clara_cli.jobs.placed import Placed
from clara_cli.jobs.states import JobPriority, JobState, JobStatus
from clara_cli.payloads.names import show_name
from clara_cli.payloads.upload import Meter
from clara_cli.remote import published
from clara_cli.remote.connection import Connection, NotServed
from clara_cli.remote.identity import among, whole
from clara_cli.remote.logs import RemoteLogs, published_logs
from clara_cli.remote.payloads import RemotePayloads
from clara_cli.remote.start import RemoteStart, start_job
from clara_cli.remote.upload import items, send
from clara_cli.retention import Retention
from clara_cli.server.records import from_pairs, pairs, read, started
from clara_cli.server.wire import commands_pb2 as own
from clara_cli.server.wire import jobs_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier
from clara_cli.site.model import CreatedJob, DescribedJob, JobAgain, LogQuery, Progress

# Seconds between looks at a job of a server that does not tell when it ends.
_LOOK = 0.5


class RemoteJobs:
    """The `Jobs` of a `RemoteSite`.

    Args:
        find_pipeline: the whole id of a pipeline.
        payloads: where inputs go.
        fast_io: operators' Python reads and writes by faster codecs.
    """

    def __init__(
        self,
        connection: Connection,
        find_pipeline: Callable[[str], str],
        payloads: Callable[[], RemotePayloads],
        *,
        fast_io: bool,
    ) -> None:
        self._connection = connection
        self._find_pipeline = find_pipeline
        self._payloads = payloads
        self._fast_io = fast_io

    def create(
        self,
        name: str,
        pipeline: str,
        source: Path | None,
        priority: JobPriority,
        *,
        payloads: Sequence[str] = (),
        metadata: Mapping[str, str] = MappingProxyType({}),
        meter: Meter | None = None,
    ) -> CreatedJob:
        pipeline_id = self._find_pipeline(pipeline)
        found = items([source] if source is not None else [])
        inputs = [self._payloads().find(text).id for text in payloads]
        request = wire.JobsCreateRequest(
            name=name,
            pipeline_id=Identifier(value=pipeline_id),
            priority=priority.wire,
            input_payloads=[Identifier(value=payload) for payload in inputs],
            metadata=metadata,
        )
        made = self._connection.ask(self._connection.jobs.Create, request)
        job_id, payload_id = str(made.job_id.value), str(made.payload_id.value)
        try:
            copied = self._payloads().names(payload_id) if inputs else []
            taken = {name.removeprefix("input/") for name in copied}
            if twice := next((item.name for item in found if item.name in taken), None):
                raise PayloadError(f"two inputs have a file /input/{show_name(twice)}")
            send(self._connection, payload_id, found, meter, whole=False)
        except BaseException:
            # A job without its whole input is of no use; where that fails too, the first error is the one to tell.
            with suppress(ClaraError):
                undo = own.DeleteJobsRequest(job_ids=[job_id])
                self._connection.ask(self._connection.commands.DeleteJobs, undo)
            raise
        results = f"clara download {job_id}:/operators/'*' FOLDER"
        return CreatedJob(job_id, payload_id, len(found) + len(copied), None, results)

    def again(self, text: str, start: str | None, values: Mapping[str, str]) -> JobAgain:
        request = own.RunAgainRequest(text=text, start=start, values=pairs(dict(values)))
        made = self._connection.ask(self._connection.commands.RunAgain, request)
        names = (tuple(made.reused), tuple(made.running), made.shared, tuple(made.notices))
        return JobAgain(made.job_id, made.payload_id, *names)

    def list(self) -> Sequence[Job]:
        commands = self._connection.commands
        try:
            answers = list(self._connection.ask_often(commands.ListJobs, own.ListRequest()))
        except NotServed:
            return published.list_jobs(self._connection)
        return [_job(item) for answer in answers for item in answer.jobs]

    def rows(self) -> Sequence[Sequence[str | None]]:
        return rows_of(self.list())

    def ids(self) -> Sequence[str]:
        return [job.id for job in self.list()]

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def describe(self, text: str, *, processes: bool = False) -> DescribedJob:
        commands = self._connection.commands
        try:
            found = self._connection.ask(commands.DescribeJob, own.DescribeJobRequest(text=text, processes=processes))
        except NotServed:
            if processes:
                raise
            return published.describe_job(self._connection, self._find_one(text))
        return DescribedJob(
            _job(found.job),
            tuple(read(operator, OperatorRecord) for operator in found.operators),
            tuple(read(message, JobMessage) for message in found.messages),
            from_pairs(found.metadata),
            os.fsdecode(found.payload_folder),
            found.payload_exists,
            {item.operator: started(item) for item in found.processes},
            read(found.placed, Placed) if found.HasField("placed") else None,
        )

    def start(self, text: str, values: Mapping[str, str], progress: Progress, *, reuse: bool = False) -> RemoteStart:
        """What is to be made for it is made there, so that nothing is heard of its progress."""
        return start_job(self._connection, text, values, reuse=reuse, fast_io=self._fast_io, find=self._find_one)

    def after(self) -> str | None:
        """The jobs' runners see to that, there."""
        return None

    def ask_to_cancel(self, text: str, reason: str) -> str:
        request = own.AskToCancelRequest(text=text, reason=reason)
        try:
            return str(self._connection.ask(self._connection.commands.AskToCancel, request).ids[0])
        except NotServed:
            job = published.describe_job(self._connection, self._find_one(text)).job
            if job.state is JobState.STOPPED:
                raise StateConflict(f"job {job.id} has ended already: {job.state.wire}, {job.status.wire}") from None
            # The published call waits for the end too.
            cancel = wire.JobsCancelRequest(job_id=Identifier(value=job.id), reason=reason)
            self._connection.ask(self._connection.jobs.Cancel, cancel)
            return job.id

    def finish_cancelling(self, job_id: str) -> Job:
        try:
            answer = self._connection.ask(self._connection.commands.FinishCancelling, own.TextRequest(text=job_id))
            return _job(answer.jobs[0])
        except NotServed:
            job = published.describe_job(self._connection, job_id).job
            if job.status is not JobStatus.CANCELED:
                raise StateConflict(
                    f"job {job_id} ended by itself before it could be cancelled: {job.status.wire}"
                ) from None
            return job

    def _find_one(self, text: str) -> str:
        return self.find([text])[0]

    def find(self, texts: Sequence[str]) -> Sequence[str]:
        try:
            return list(self._connection.ask(self._connection.commands.FindJobs, own.TextsRequest(texts=texts)).ids)
        except NotServed:
            found = [whole(text, "job") for text in texts]
            known = [job.id for job in published.list_jobs(self._connection)] if None in found else []
            return list(dict.fromkeys(one or among(known, text, "job") for one, text in zip(found, texts, strict=True)))

    def wait(self, job_id: str, seconds: float | None) -> Job:
        request = own.WaitForJobRequest(job_id=job_id, seconds=seconds)
        try:
            return _job(self._connection.ask(self._connection.commands.WaitForJob, request).jobs[0])
        except NotServed:
            return self._look_until_ended(job_id, seconds)

    def _look_until_ended(self, job_id: str, seconds: float | None) -> Job:
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            job = published.describe_job(self._connection, job_id).job
            left = _LOOK if deadline is None else min(_LOOK, deadline - time.monotonic())
            if job.state is JobState.STOPPED or left <= 0:
                return job
            time.sleep(left)

    def deletable(self, texts: Sequence[str]) -> Sequence[Job]:
        answer = self._connection.ask(self._connection.commands.FindDeletable, own.TextsRequest(texts=texts))
        return [_job(item) for item in answer.jobs]

    def delete(self, jobs: Sequence[Job], *, keep_payload: bool) -> Sequence[str]:
        request = own.DeleteJobsRequest(job_ids=[job.id for job in jobs], keep_payload=keep_payload)
        answer = self._connection.ask(self._connection.commands.DeleteJobs, request)
        return [os.fsdecode(folder) for folder in answer.folders]

    def logs(self, query: LogQuery) -> RemoteLogs:
        try:
            return RemoteLogs(self._connection, query)
        except NotServed:
            if query.follow or query.since is not None or query.tail is not None:
                raise
            return published_logs(self._connection, query, self.describe(query.job))

    def cleanable(self, limits: Retention | None) -> Sequence[Ended]:
        request = own.FindCleanableRequest(limited=limits is not None, **(limits._asdict() if limits else {}))
        answer = self._connection.ask(self._connection.commands.FindCleanable, request)
        return [read(item, Ended) for item in answer.ended]

    def clean(self, chosen: Sequence[Ended]) -> Sequence[Ended]:
        request = own.CleanRequest(chosen=[own.Ended(**ended._asdict()) for ended in chosen])
        answer = self._connection.ask(self._connection.commands.Clean, request)
        return [read(item, Ended) for item in answer.ended]


def _job(found: own.Job) -> Job:
    return read(found, Job)
