"""Logs of a job of a platform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import grpc

from clara_cli.jobs.files import find_operator
from clara_cli.jobs.states import JobState
from clara_cli.remote.connection import Connection
from clara_cli.runtime.log_stream import Line
from clara_cli.server.records import read
from clara_cli.server.wire import commands_pb2 as own
from clara_cli.server.wire import jobs_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier
from clara_cli.site.model import DescribedJob, LogQuery


class RemoteLogs:
    """A `Logs`, read as they come.

    Raises:
        NotFound: no such job, or it has no such operator or service.
    """

    def __init__(self, connection: Connection, query: LogQuery) -> None:
        self._connection = connection
        request = own.ReadLogsRequest(
            job=query.job,
            operators=query.operators,
            since=query.since,
            tail=query.tail,
            follow=query.follow,
            terminal=query.terminal,
        )
        self._stream = connection.begin(connection.commands.ReadLogs, request)
        head = next(self._answers()).head
        self.job_id: str = head.job_id
        self.pending: bool = head.pending
        self.names: Sequence[str] = tuple(head.names)
        self.notices: Sequence[str] = tuple(head.notices)
        self.missing: Sequence[str] = tuple(head.missing)

    def _answers(self) -> Iterator[own.ReadLogsResponse]:
        try:
            for answer in self._stream:
                yield self._connection.checked(answer)
        except grpc.RpcError as error:
            self._connection.explain(error, self._connection.commands.ReadLogs)

    def lines(self) -> Iterator[list[Line]]:
        for answer in self._answers():
            yield [read(line, Line) for line in answer.lines]

    def chunks(self) -> Iterator[bytes]:
        for answer in self._answers():
            yield answer.chunk

    def __enter__(self) -> RemoteLogs:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.cancel()


class PublishedLogs(RemoteLogs):
    """Logs by the published call: one operator after the other, because no times are told."""

    def __init__(self, connection: Connection, job: DescribedJob, names: Sequence[str], notices: Sequence[str]) -> None:
        self._connection = connection
        self._job = job
        self.job_id = job.job.id
        self.pending = job.job.state is JobState.PENDING
        self.names = names
        self.notices = notices
        self.missing = ()

    def _texts(self, name: str) -> Iterator[list[bytes]]:
        request = wire.JobsReadLogsRequest(job_id=Identifier(value=self.job_id), operator_name=name)
        for answer in self._connection.ask_often(self._connection.jobs.ReadLogs, request):
            yield [f"{text}\n".encode() for text in answer.logs]

    def lines(self) -> Iterator[list[Line]]:
        for order, name in enumerate(self.names or [operator.name for operator in self._job.operators]):
            for texts in self._texts(name):
                yield [Line(0.0, order, name, text) for text in texts]

    def chunks(self) -> Iterator[bytes]:
        for texts in self._texts(self.names[0]):
            yield b"".join(texts)

    def __exit__(self, *_: object) -> None:
        pass


def published_logs(connection: Connection, query: LogQuery, job: DescribedJob) -> PublishedLogs:
    """The logs of a job of a server that has the published calls only.

    Raises:
        NotFound: the job has no such operator.
    """
    found = [find_operator(job, name) for name in query.operators]
    names = tuple(dict.fromkeys(operator.name for operator, _ in found))
    return PublishedLogs(connection, job, names, tuple(told for _, told in found if told))
