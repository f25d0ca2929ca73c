"""Logs of a job for the wire: one text a line without its end, in parts that fit into a message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clara_cli.database import Database
from clara_cli.errors import NotFound, StoreError
from clara_cli.jobs.actions import JobView, find_job
from clara_cli.jobs.files import log_of
from clara_cli.runtime.log_stream import LogStream
from clara_cli.runtime.plan import operator_log
from clara_cli.server import codes
from clara_cli.server.codes import Refusal, clean
from clara_cli.server.timestamps import text_time

# Clara Deploy 0.8.1 gives the log of what orchestrates a job under this name.
ORCHESTRATOR = "clara-pod-manager"
# Bytes of a line that are kept together; its text may be three times as long, where it is no UTF-8.
_LONGEST = 256 << 10


class LogParts:
    """A log, read part by part; what is written meanwhile is not waited for."""

    def __init__(self, lines: Iterator[list[str]]) -> None:
        self._parts = lines

    def next_part(self) -> list[str] | None:
        """Some lines; None at the end."""
        return next(self._parts, None)


def open_log(database: Database, job_id: str, name: str) -> LogParts:
    """The log of an operator or service, or of the orchestrator.

    Raises:
        NotFound: no such job.
        Refusal: no such operator.
    """
    view = find_job(database, job_id)
    if name == ORCHESTRATOR:
        return LogParts(iter([_history(view)]))
    try:
        own, _ = log_of(view, name)
    except NotFound as error:
        raise Refusal(codes.NO_OPERATOR, error.message) from error
    return LogParts(_read(operator_log(view.folder, own)))


def _read(path: Path) -> Iterator[list[str]]:
    """At least one part, which is empty where there is no log yet."""
    stream = LogStream("", path)
    rest, found = b"", False
    try:
        for block in stream.chunks():
            found = True
            *lines, rest = (rest + block).split(b"\n")
            if len(rest) >= _LONGEST:  # a line that does not end goes in pieces
                lines, rest = [*lines, rest], b""
            yield [line.decode("utf-8", "replace") for line in lines]
        if rest or not found:
            yield [rest.decode("utf-8", "replace")] if rest else []
    except OSError as error:
        raise StoreError(f"cannot read the log {path}: {error.strerror}") from error
    finally:
        stream.close()


def _history(view: JobView) -> list[str]:
    """What became of a job and its operators, in the order of time."""
    job = view.job
    events = [(job.created, "job created"), (job.submitted, "start accepted"), (job.started, "job running")]
    for operator in view.operators:
        events.append((operator.started, f"operator {operator.name} started"))
        code = "" if operator.exit_code is None else f", exit code {operator.exit_code}"
        events.append((operator.stopped, f"operator {operator.name} stopped: {operator.status.wire}{code}"))
    events += [(message.created, f"{message.severity}: {message.text}") for message in view.messages]
    events.append((job.stopped, f"job stopped: {job.status.wire}"))
    happened = sorted(((when, text) for when, text in events if when is not None), key=lambda event: event[0])
    return [clean(f"{text_time(when)} {text}") for when, text in happened]
