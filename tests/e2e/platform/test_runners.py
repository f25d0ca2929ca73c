"""The runner that the server keeps ready: it takes the next job, and ends with the server if it has none."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from platform_support import ECHO, Client, Server, server_in
from support import wait_until

from clara_cli.server.wire import jobs_pb2
from clara_cli.server.wire.common_pb2 import Identifier

DESCRIPTORS = """\
import os
for number in os.listdir("/proc/self/fd"):
    try:
        print(number, os.readlink("/proc/self/fd/" + number))
    except OSError:
        pass
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    with server_in(tmp_path / "own") as server:
        yield server


def spares(server: Server) -> list[int]:
    """Processes that wait for a job of this server, or run one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            mine = f"CLARA_ROOT={server.root}".encode() in (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mine and b"clara_cli.jobs.spare" in words:
            found.append(int(folder.name))
    return found


def ready(server: Server) -> int:
    """The one that waits, once it is there; starting it forks once."""

    def waiting() -> list[int]:
        found = spares(server)
        return found if len(found) == 1 and parent(found[0]) not in (0, server.pid) else []

    found: list[int] = wait_until(waiting, "the runner that waits", 60)
    return found[0]


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def run(client: Client, pipeline: Identifier) -> str:
    job = client.job(pipeline).job_id
    client.start(job)
    assert client.ended(job).status == jobs_pb2.JOB_STATUS_HEALTHY
    (found,) = client.jobs.ReadLogs(jobs_pb2.JobsReadLogsRequest(job_id=job, operator_name="echo"))
    return "\n".join(found.logs)


def test_the_runner_that_waits_takes_the_job_and_another_comes(own: Server) -> None:
    own.program("echo", "import time\ntime.sleep(2)\n")
    first = ready(own)
    with own.channel() as channel:
        client = Client(channel)
        pipeline = client.pipeline(ECHO)
        job = client.job(pipeline).job_id
        client.start(job)
        wait_until(lambda: client.status(job).state == jobs_pb2.JOB_STATE_RUNNING, "the job to run")
        assert int((own.root / "jobs" / job.value / "lock").read_text()) == first
        assert client.ended(job).status == jobs_pb2.JOB_STATUS_HEALTHY
        wait_until(lambda: first not in spares(own), "the runner's end")
        assert ready(own) != first


def test_an_operator_gets_nothing_of_the_runners_descriptors(own: Server) -> None:
    """One that held the job's lock would keep a job alive that has lost its runner."""
    own.program("echo", DESCRIPTORS)
    ready(own)
    with own.channel() as channel:
        client = Client(channel)
        said = run(client, client.pipeline(ECHO))
    assert "/lock" not in said and "runner.log" not in said and "server.log" not in said, said


def test_jobs_start_where_the_runner_that_waits_was_killed(own: Server) -> None:
    own.program("echo", "print('hello')\n")
    with own.channel() as channel:
        client = Client(channel)
        pipeline = client.pipeline(ECHO)
        for _ in range(3):
            os.kill(ready(own), signal.SIGKILL)
            assert run(client, pipeline) == "hello"


def test_many_starts_at_once(own: Server) -> None:
    """Whoever finds no runner ready gets one that is started for it; each job runs once."""
    own.program("echo", "print('hello')\n")
    with own.channel() as channel:
        client = Client(channel)
        pipeline = client.pipeline(ECHO)
        jobs = [client.job(pipeline).job_id for _ in range(8)]
        calls = [client.jobs.Start.future(jobs_pb2.JobsStartRequest(job_id=job)) for job in jobs]
        for call in calls:
            assert call.result(timeout=60).header.code >= 0
        for job in jobs:
            assert client.ended(job).status == jobs_pb2.JOB_STATUS_HEALTHY
            assert (own.root / "jobs" / job.value / "logs" / "echo.log").read_text() == "hello\n"


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_it_ends_with_the_server(tmp_path: Path, how: str) -> None:
    with server_in(tmp_path / "own") as server:
        pid = ready(server)
        if how == "kill":
            os.kill(server.pid, signal.SIGKILL)
        else:
            server.stop()
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the end of the runner that waits")
