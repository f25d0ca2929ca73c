"""Starting a job, and following it to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial

from clara_cli.database import Database
from clara_cli.jobs import claims
from clara_cli.jobs.actions import JobView, find_job
from clara_cli.jobs.states import JobState, OperatorStatus
from clara_cli.server import codes
from clara_cli.server.commands.asking import Asking, header
from clara_cli.server.commands.endings import ending
from clara_cli.server.commands.jobs import LOOK, LOOK_LATER
from clara_cli.server.records import fill, from_pairs, pairs
from clara_cli.server.wire import commands_pb2 as wire
from clara_cli.site.local import LocalSite

Event = wire.FollowJobResponse


class StartCommands(Asking):
    async def start_job(self, request: wire.StartJobRequest) -> wire.StartJobResponse:
        """The runner is a process of its own, whoever asked for the start."""
        values = from_pairs(request.values)

        def start(site: LocalSite) -> wire.StartJobResponse:
            with site.jobs.start(request.text, values, lambda _: None, reuse=request.reuse) as started:
                answer = wire.StartJobResponse(
                    header=header(),
                    job_id=started.job_id,
                    job_name=started.job_name,
                    operators=started.operators,
                    programs=pairs({name: codes.clean(text) for name, text in started.programs.items()}),
                    reused=pairs(dict(started.reused)),
                )
                started.detach()
                return answer

        return await self._ask_long(start, fast_io=request.fast_io)

    async def follow_job(self, request: wire.FollowJobRequest) -> AsyncIterator[wire.FollowJobResponse]:
        """No thread is kept waiting."""
        followed = _Followed()
        pause = LOOK
        while True:
            view, place, waiting = await self._platform.quick.call(_look, request.job_id)
            events = list(followed.news(view, place, waiting))
            for event in events:
                yield event
            if view.job.state is JobState.STOPPED:
                yield Event(header=header(), ended=await self._platform.quick.run(partial(ending, view)))
                return
            pause = LOOK if events else min(pause * 1.2, LOOK_LATER)
            await asyncio.sleep(pause)


def _look(database: Database, job_id: str) -> tuple[JobView, int, int]:
    view = find_job(database, job_id)
    if view.job.state is not JobState.PENDING:
        return view, 0, 0
    with database.read() as connection:
        return view, *claims.place(connection, view.job.id)


class _Followed:
    """What a follower of a job was told."""

    def __init__(self) -> None:
        self._queued = (0, 0)
        self._began = False
        self._statuses: dict[str, OperatorStatus] = {}
        self._messages = 0

    def news(self, view: JobView, place: int, waiting: int) -> Iterator[wire.FollowJobResponse]:
        if (place, waiting) != self._queued and (place or self._queued[0]):
            self._queued = (place, waiting)
            yield Event(header=header(), queued=Event.Queued(place=place, waiting=waiting))
        if view.job.started is not None and not self._began:
            self._began = True
            yield Event(header=header(), began=True)
        for operator in view.operators:
            before = self._statuses.get(operator.name, OperatorStatus.PENDING)
            # One that came over from another job was never seen to run.
            if operator.status is before or (operator.started or 0.0) < view.job.created:
                continue
            self._statuses[operator.name] = operator.status
            if before is OperatorStatus.PENDING and operator.started is not None:
                yield Event(header=header(), operator_began=operator.name)
            if operator.status in (OperatorStatus.COMPLETED, OperatorStatus.FAULTED):
                ended = Event.OperatorEnded(
                    name=operator.name,
                    completed=operator.status is OperatorStatus.COMPLETED,
                    exit_code=operator.exit_code,
                )
                yield Event(header=header(), operator_ended=ended)
        for message in view.messages[self._messages :]:
            yield Event(header=header(), message=fill(wire.JobMessage(), message))
        self._messages = len(view.messages)
