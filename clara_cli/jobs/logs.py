"""The logs of a job's operators and services: as they are, or followed while the job runs."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from clara_cli.database import Database
from clara_cli.errors import NotFound
from clara_cli.jobs import placed, store
from clara_cli.jobs.actions import JobView, find_job
from clara_cli.jobs.files import services_with_log
from clara_cli.jobs.recovery import recover
from clara_cli.jobs.states import JobState
from clara_cli.runtime.log_stream import Line, LogStream
from clara_cli.runtime.plan import operator_log

# Seconds between looks at logs that are followed, and between looks whether the job's runner is alive.
_PAUSE = 0.2
_ALIVE = 2.0
# Lines and bytes that are handed on at once: lines may be long.
_LINES, _PIECE = 1000, 1 << 20


@dataclass(frozen=True)
class Chosen:
    """Which part of a job's logs is wanted.

    Attributes:
        names: operators and services; None for all, also those that are yet to start.
        since: seconds since 1970; None from the beginning.
        tail: how many of the last lines of each log; None for all.
    """

    names: tuple[str, ...] | None = None
    since: float | None = None
    tail: int | None = None


class JobLogs(AbstractContextManager["JobLogs"]):
    """The chosen logs of one job; a context manager that closes them.

    Attributes:
        streams: the logs by name, in the order of the definition, services last.
    """

    def __init__(self, database: Database, view: JobView, chosen: Chosen) -> None:
        self._database = database
        self._view = view
        self._chosen = chosen
        self.streams: dict[str, LogStream] = {}
        with database.read() as connection:
            self._away = placed.find(connection, view.job.id) is not None
        for name in chosen.names if chosen.names is not None else [item.name for item in view.operators]:
            self._add(name)
        self._find_services()

    def pieces(self) -> Iterator[list[Line]]:
        """All lines as of now by their times, some at a time."""
        return _pieces(self._merged(final=True))

    def follow(self, redraws: bool = False) -> Iterator[list[Line]]:
        """The lines that are new, again and again until the job has ended; waits in between.

        Args:
            redraws: also lines that have no end yet but are drawn anew.
        """
        yield from _pieces(self._merged(final=False))
        for ended in self._looks():
            yield from self.new_lines(final=ended, redraws=redraws)

    def follow_bytes(self, name: str) -> Iterator[bytes]:
        """What one log grows by, as it was written, until the job has ended; empty where nothing is new for now."""
        for _ in self._looks():
            yield from self.new_chunks(name)
            yield b""

    def new_lines(self, *, final: bool, redraws: bool = False) -> Iterator[list[Line]]:
        """The lines that were not read yet; what has no end only if it is `final` that nothing follows."""
        if self._chosen.names is None:
            self._find_services()
        yield from _pieces(self._merged(final=final))
        if redraws:
            yield [line for stream in self.streams.values() for line in stream.redrawn()]

    def new_chunks(self, name: str) -> Iterator[bytes]:
        """What one log holds that was not read yet, as it was written."""
        return self.streams[name].chunks()

    def _merged(self, final: bool) -> Iterator[Line]:
        return heapq.merge(*(stream.lines(final) for stream in self.streams.values()))

    def _looks(self) -> Iterator[bool]:
        """Each time to look at the logs: whether it is the last time."""
        checked = time.monotonic()
        while True:
            ended = self._has_ended()
            yield ended
            if ended:
                return
            if time.monotonic() - checked >= (_PAUSE if self._away else _ALIVE):
                recover(self._database)
                checked = time.monotonic()
            time.sleep(_PAUSE)

    def _has_ended(self) -> bool:
        try:
            with self._database.read() as connection:
                return store.state_of(connection, self._view.job.id) is JobState.STOPPED
        except NotFound:
            return True  # deleted: what is left of its logs is shown

    def _find_services(self) -> None:
        if self._chosen.names is None:
            for name in services_with_log(self._view):
                if name not in self.streams:
                    self._add(name)

    def _add(self, name: str) -> None:
        begun = next((item.started for item in self._view.operators if item.name == name), None)
        path = operator_log(self._view.folder, name)
        stream = LogStream(name, path, len(self.streams), begun or self._view.job.started)
        stream.start(self._chosen.since, self._chosen.tail)
        self.streams[name] = stream

    def __exit__(self, *_: object) -> None:
        for stream in self.streams.values():
            stream.close()


def job_logs(database: Database, text: str, chosen: Chosen) -> JobLogs:
    """The chosen logs of the job with that id or unique prefix; NotFound otherwise."""
    return JobLogs(database, find_job(database, text), chosen)


def _pieces(lines: Iterator[Line]) -> Iterator[list[Line]]:
    piece: list[Line] = []
    size = 0
    for line in lines:
        piece.append(line)
        size += len(line.text)
        if size > _PIECE or len(piece) >= _LINES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
