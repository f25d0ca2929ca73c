"""The logs of a job of a root."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from clara_cli.database import Database
from clara_cli.jobs.actions import find_job
from clara_cli.jobs.files import log_of
from clara_cli.jobs.logs import Chosen, JobLogs
from clara_cli.jobs.states import JobState
from clara_cli.runtime.log_stream import Line
from clara_cli.site.model import LogQuery


class LocalLogs:
    """A `Logs`.

    Raises:
        NotFound: no such job, or it has no such operator or service.
    """

    def __init__(self, database: Database, query: LogQuery) -> None:
        self._query = query
        view = find_job(database, query.job)
        found = [log_of(view, name) for name in query.operators]
        names = tuple(dict.fromkeys(name for name, _ in found))
        self.job_id = view.job.id
        self.pending = view.job.submitted is None and view.job.state is JobState.PENDING
        self.notices = tuple(told for _, told in found if told)
        with ExitStack() as closing:
            self.opened = closing.enter_context(JobLogs(database, view, Chosen(names or None, query.since, query.tail)))
            self.missing = tuple(name for name, stream in self.opened.streams.items() if names and not stream.open())
            self._closing = closing.pop_all()
        self.names = names

    def lines(self) -> Iterator[list[Line]]:
        if self._query.follow:
            return self.opened.follow(redraws=self._query.terminal)
        return self.opened.pieces()

    def chunks(self) -> Iterator[bytes]:
        (name,) = self.names
        return self.opened.follow_bytes(name) if self._query.follow else self.opened.streams[name].chunks()

    def __enter__(self) -> LocalLogs:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()
