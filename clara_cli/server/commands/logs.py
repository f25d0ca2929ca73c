"""Logs of a job, as they are or as they grow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from clara_cli.database import Database
from clara_cli.errors import NotFound
from clara_cli.jobs import store
from clara_cli.jobs.states import JobState
from clara_cli.runtime.log_stream import Line
from clara_cli.server import codes
from clara_cli.server.commands.asking import Asking, header
from clara_cli.server.records import fill
from clara_cli.server.wire import commands_pb2 as wire
from clara_cli.site.local_logs import LocalLogs
from clara_cli.site.model import LogQuery

# Seconds between looks at logs that are followed.
_PAUSE = 0.2
# Bytes of lines in one answer.
_LARGE = 1 << 20


class LogCommands(Asking):
    async def read_logs(self, request: wire.ReadLogsRequest) -> AsyncIterator[wire.ReadLogsResponse]:
        query = LogQuery(
            job=request.job,
            operators=tuple(request.operators),
            since=request.since if request.HasField("since") else None,
            tail=request.tail if request.HasField("tail") else None,
            follow=request.follow,
            terminal=request.terminal,
        )
        logs = await self._platform.quick.call(LocalLogs, query)
        try:
            head = wire.ReadLogsResponse.Head(
                job_id=logs.job_id,
                pending=logs.pending,
                names=logs.names,
                notices=map(codes.clean, logs.notices),
                missing=logs.missing,
            )
            yield wire.ReadLogsResponse(header=header(), head=head)
            ended = not request.follow
            while True:
                ended = ended or await self._platform.quick.call(_has_ended, logs.job_id)
                growth = _Growth(logs, query, final=ended)
                while (answer := await self._platform.quick.run(growth.next)) is not None:
                    yield answer
                if ended:
                    return
                await asyncio.sleep(_PAUSE)
        finally:
            await self._platform.quick.run(logs.__exit__)


class _Growth:
    """What the logs hold that was not read yet, answer by answer."""

    def __init__(self, logs: LocalLogs, query: LogQuery, *, final: bool) -> None:
        alone = len(logs.names) == 1 and not query.terminal
        self._chunks = logs.opened.new_chunks(logs.names[0]) if alone else iter(())
        redraws = query.terminal and not final
        self._pieces = iter(()) if alone else logs.opened.new_lines(final=final, redraws=redraws)

    def next(self) -> wire.ReadLogsResponse | None:
        """None at the end."""
        chunk = next(self._chunks, None)
        if chunk is not None:
            return wire.ReadLogsResponse(header=header(), chunk=chunk)
        lines: list[Line] = []
        size = 0
        for piece in self._pieces:
            lines += piece
            size += sum(len(line.text) for line in piece)
            if size > _LARGE:
                break
        if not lines:
            return None
        return wire.ReadLogsResponse(
            header=header(), lines=[fill(wire.ReadLogsResponse.Line(), line) for line in lines]
        )


def _has_ended(database: Database, job_id: str) -> bool:
    try:
        with database.read() as connection:
            return store.state_of(connection, job_id) is JobState.STOPPED
    except NotFound:
        return True  # deleted: what is left of its logs is shown
