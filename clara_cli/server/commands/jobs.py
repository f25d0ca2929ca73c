"""Jobs: records, and what is done with jobs that are not to be started."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from clara_cli.jobs.clean import Ended
from clara_cli.jobs.model import Job
from clara_cli.jobs.states import JobState
from clara_cli.retention import Retention
from clara_cli.server import codes
from clara_cli.server.commands.asking import Asking, header, parts
from clara_cli.server.records import fill, from_pairs, pairs, process, read
from clara_cli.server.wire import commands_pb2 as wire
from clara_cli.site.local import LocalSite

# Seconds between looks at a job that is waited for: at first, and later.
LOOK, LOOK_LATER = 0.05, 0.5


class JobCommands(Asking):
    async def find_jobs(self, request: wire.TextsRequest) -> wire.IdsResponse:
        ids = await self._ask(lambda site: site.jobs.find(request.texts))
        return wire.IdsResponse(header=header(), ids=ids)

    async def list_jobs(self, _: wire.ListRequest) -> AsyncIterator[wire.JobsResponse]:
        for piece in parts(await self._ask(lambda site: site.jobs.list())):
            yield _jobs(*piece)

    async def describe_job(self, request: wire.DescribeJobRequest) -> wire.DescribeJobResponse:
        found = await self._ask(lambda site: site.jobs.describe(request.text, processes=request.processes))
        return wire.DescribeJobResponse(
            header=header(),
            job=fill(wire.Job(), found.job),
            operators=[fill(wire.Operator(), operator) for operator in found.operators],
            messages=[fill(wire.JobMessage(), message) for message in found.messages],
            metadata=pairs(found.metadata),
            payload_folder=os.fsencode(found.payload_folder),
            payload_exists=found.payload_exists,
            processes=[process(name, started) for name, started in found.processes.items()],
            placed=None if found.placed is None else fill(wire.Placed(), found.placed),
        )

    async def run_again(self, request: wire.RunAgainRequest) -> wire.RunAgainResponse:
        start = request.start if request.HasField("start") else None
        values = from_pairs(request.values)
        made = await self._ask_long(lambda site: site.jobs.again(request.text, start, values))
        return wire.RunAgainResponse(
            header=header(),
            job_id=made.job_id,
            payload_id=made.payload_id,
            reused=made.reused,
            running=made.running,
            shared=made.shared,
            notices=map(codes.clean, made.notices),
        )

    async def wait_for_job(self, request: wire.WaitForJobRequest) -> wire.JobsResponse:
        """No thread is kept waiting."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + request.seconds if request.HasField("seconds") else float("inf")
        pause = LOOK
        while True:
            job = await self._ask(lambda site: site.jobs.wait(request.job_id, 0.0))
            left = deadline - clock()
            if job.state is JobState.STOPPED or left <= 0:
                return _jobs(job)
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.2, LOOK_LATER)

    async def ask_to_cancel(self, request: wire.AskToCancelRequest) -> wire.IdsResponse:
        reason = " ".join(request.reason.split()) or "asked for over the platform's API"
        job_id = await self._ask(lambda site: site.jobs.ask_to_cancel(request.text, reason))
        return wire.IdsResponse(header=header(), ids=[job_id])

    async def finish_cancelling(self, request: wire.TextRequest) -> wire.JobsResponse:
        def finish(site: LocalSite) -> Job:
            (job_id,) = site.jobs.find([request.text])
            return site.jobs.finish_cancelling(job_id)

        return _jobs(await self._ask_long(finish))

    async def find_deletable(self, request: wire.TextsRequest) -> wire.JobsResponse:
        return _jobs(*await self._ask(lambda site: site.jobs.deletable(request.texts)))

    async def delete_jobs(self, request: wire.DeleteJobsRequest) -> wire.DeleteJobsResponse:
        def delete(site: LocalSite) -> list[str]:
            jobs = site.jobs.deletable(request.job_ids)
            return list(site.jobs.delete(jobs, keep_payload=request.keep_payload))

        folders = await self._ask_long(delete)
        return wire.DeleteJobsResponse(header=header(), folders=map(os.fsencode, folders))

    async def find_cleanable(self, request: wire.FindCleanableRequest) -> wire.EndedResponse:
        limits = None
        if request.limited:
            limits = Retention(
                request.older_than if request.HasField("older_than") else None,
                request.failed_older_than if request.HasField("failed_older_than") else None,
                request.max_size if request.HasField("max_size") else None,
            )
        return _ended(*await self._ask_long(lambda site: site.jobs.cleanable(limits)))

    async def clean(self, request: wire.CleanRequest) -> wire.EndedResponse:
        chosen = [read(item, Ended) for item in request.chosen]
        return _ended(*await self._ask_long(lambda site: site.jobs.clean(chosen)))


def _jobs(*jobs: Job) -> wire.JobsResponse:
    return wire.JobsResponse(header=header(), jobs=[fill(wire.Job(), job) for job in jobs])


def _ended(*ended: Ended) -> wire.EndedResponse:
    return wire.EndedResponse(header=header(), ended=[fill(wire.Ended(), item) for item in ended])
