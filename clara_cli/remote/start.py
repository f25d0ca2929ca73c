"""A job that was started on a platform: left to itself, or followed from here."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clara_cli.errors import ClaraError, StateConflict
from clara_cli.jobs.states import JobState, JobStatus
from clara_cli.remote import published
from clara_cli.remote.connection import Connection, NotServed
from clara_cli.runtime.listener import Listener
from clara_cli.runtime.plan import JobResult, OperatorFailure
from clara_cli.runtime.stop import StopRequest
from clara_cli.server.records import from_pairs, pairs
from clara_cli.server.wire import commands_pb2 as own
from clara_cli.server.wire import jobs_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier

# Seconds after which it is looked whether the job is to end, and between looks at a job that nothing is told of.
_TURN, _LOOK = 0.1, 0.5


def start_job(
    connection: Connection,
    text: str,
    values: Mapping[str, str],
    *,
    reuse: bool,
    fast_io: bool,
    find: Callable[[str], str],
) -> RemoteStart:
    """Start a job; it needs nobody here from then on.

    Args:
        find: the whole id of a job.
    """
    request = own.StartJobRequest(text=text, values=pairs(dict(values)), reuse=reuse, fast_io=fast_io)
    try:
        made = connection.ask(connection.commands.StartJob, request)
    except NotServed:
        if reuse or fast_io:
            raise
        return _start_published(connection, find(text), values)
    return RemoteStart(
        *(connection, made.job_id, made.job_name, tuple(made.operators)),
        programs=from_pairs(made.programs),
        reused=from_pairs(made.reused),
    )


def _start_published(connection: Connection, job_id: str, values: Mapping[str, str]) -> RemoteStart:
    variables = [wire.JobsStartRequest.NamedValue(name=name, value=value) for name, value in values.items()]
    request = wire.JobsStartRequest(job_id=Identifier(value=job_id), Variables=variables)
    connection.ask(connection.jobs.Start, request)
    found = published.describe_job(connection, job_id)
    return RemoteStart(connection, job_id, found.job.name, tuple(operator.name for operator in found.operators))


@dataclass
class RemoteStart:
    """A `StartedJob`."""

    connection: Connection
    job_id: str
    job_name: str
    operators: Sequence[str]
    programs: Mapping[str, str] = field(default_factory=dict)
    reused: Mapping[str, str] = field(default_factory=dict)
    _left: bool = False

    def __enter__(self) -> RemoteStart:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # Ctrl-C before anybody follows it: an attached start cancels its job.
        if isinstance(error, KeyboardInterrupt) and not self._left:
            with suppress(ClaraError):
                self._cancel("clara start was interrupted")

    def detach(self) -> None:
        self._left = True

    def follow(self, listener: Listener, stop: StopRequest) -> JobResult:
        """Listen until the job has ended; a request to stop asks the platform to cancel it.

        Raises:
            RuntimeFailure: the connection broke; the job goes on.
        """
        self._left = True
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(events,), name=f"follow {self.job_id}", daemon=True).start()
        asked = 0
        while True:
            if stop.times > asked:
                asked += 1
                # It tells of its own failures; whether the job ends is heard from the events.
                threading.Thread(target=self._ask_to_end, args=(stop.reason or "", events), daemon=True).start()
            try:
                event = events.get(timeout=listener.interval or _TURN)
            except queue.Empty:
                event = None
            if isinstance(event, ClaraError):
                raise type(event)(event.message, f"the job goes on there: clara wait {self.job_id}") from event
            if isinstance(event, JobResult):
                return event
            if event is not None:
                event(listener)
            if listener.interval is not None:
                listener.tick()

    run_apart = follow

    def _ask_to_end(self, reason: str, events: queue.SimpleQueue[Any]) -> None:
        try:
            self._cancel(reason)
        except StateConflict:
            pass  # it has ended, or is about to
        except ClaraError as error:
            events.put(error)

    def _cancel(self, reason: str) -> None:
        request = own.AskToCancelRequest(text=self.job_id, reason=reason)
        try:
            self.connection.ask(self.connection.commands.AskToCancel, request)
        except NotServed:
            cancel = wire.JobsCancelRequest(job_id=Identifier(value=self.job_id), reason=reason)
            self.connection.ask(self.connection.jobs.Cancel, cancel)

    def _listen(self, events: queue.SimpleQueue[Any]) -> None:
        """Put what happens into a queue: calls of a listener's methods, at last a result or an error."""
        try:
            try:
                for event in self._events():
                    events.put(event)
            except NotServed:
                for event in self._looks():
                    events.put(event)
        except ClaraError as error:
            events.put(error)
        except Exception as error:  # a bug must not look like a job that runs on
            events.put(ClaraError(f"clara itself failed: {type(error).__name__}: {error}"))

    def _events(self) -> Iterator[Callable[[Listener], None] | JobResult]:
        request = own.FollowJobRequest(job_id=self.job_id)
        for answer in self.connection.ask_often(self.connection.commands.FollowJob, request):
            kind = answer.WhichOneof("event")
            if kind == "ended":
                yield self._result(answer.ended)
            elif kind is not None:
                yield _heard(kind, getattr(answer, kind))

    def _result(self, ended: own.FollowJobResponse.Ending) -> JobResult:
        if ended.HasField("error"):
            raise ClaraError(f"job {self.job_id} did not end well: {ended.error}")
        failures = [
            OperatorFailure(
                item.name,
                item.reason,
                item.exit_code if item.HasField("exit_code") else None,
                Path(os.fsdecode(item.log)),
                item.kind,
                tuple(item.said),
            )
            for item in ended.failures
        ]
        return JobResult(
            ended.stopped if ended.HasField("stopped") else None,
            tuple(failures),
            ended.terminated if ended.HasField("terminated") else None,
        )

    def _looks(self) -> Iterator[JobResult]:
        """The end of a job of a server that does not tell of it."""
        pause = threading.Event()
        while True:
            found = published.describe_job(self.connection, self.job_id)
            if found.job.state is JobState.STOPPED:
                break
            pause.wait(_LOOK)
        said = "\n".join(message.text for message in found.messages)
        if found.job.status is JobStatus.HEALTHY:
            yield JobResult()
        elif found.job.status is JobStatus.CANCELED:
            yield JobResult(stopped=said or "cancelled")
        elif found.job.status is JobStatus.TERMINATED:
            yield JobResult(terminated=said or "a time limit was exceeded")
        else:
            raise ClaraError(f"job {self.job_id} ended with {found.job.status.wire}" + (f": {said}" if said else ""))


def _heard(kind: str, said: Any) -> Callable[[Listener], None]:
    """An event as the call of a listener's method."""
    if kind == "queued":
        return lambda listener: listener.queued(said.place, said.waiting)
    if kind == "operator_began":
        return lambda listener: listener.operator_began(said)
    if kind == "operator_ended":
        code = said.exit_code if said.HasField("exit_code") else None
        return lambda listener: listener.operator_ended(said.name, said.completed, code)
    if kind == "message":
        return lambda listener: listener.message(said.severity, said.text)
    return lambda listener: listener.began()
