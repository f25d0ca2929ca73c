"""What the server bears: large files in little memory, its own death in the middle of work, many clients, slow ones.

`CLARA_DRILL=full python -m pytest tests/e2e/platform` for a file of 4 GiB, many clients for a minute, and more of what
chance makes up (test_hostile.py).
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from platform_support import ECHO, FULL, Client, Server, accepted, chunks, every_method, refusal, server_in
from support import wait_until

from clara_cli.server.wire import clara_pb2, jobs_pb2, payloads_pb2
from clara_cli.server.wire.common_pb2 import Identifier

LARGE = 4 << 30 if FULL else 512 << 20
ENDLESS = 64 << 30
OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1)]
MINUTE = 60 if FULL else 10
CHUNK = bytes(range(256)) * 4096


def memory_peak(pid: int) -> int:
    """The most memory that a process ever had, in bytes."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def new_payload(client: Client) -> Identifier:
    identity: Identifier = accepted(client.payloads.Create(payloads_pb2.PayloadsCreateRequest())).payload_id
    return identity


def repeated(payload: Identifier, name: str, size: int) -> Iterator[Any]:
    """The messages that upload a file of `size` bytes, a multiple of `CHUNK`."""
    details = payloads_pb2.PayloadFileDetails(name=name)
    for number in range(size // len(CHUNK)):
        data = number.to_bytes(8, "little") + CHUNK[8:]
        yield payloads_pb2.PayloadsUploadRequest(payload_id=payload, details=details, data=data)


def test_a_large_file_goes_in_and_out_in_little_memory(server: Server) -> None:
    if shutil.disk_usage(server.folder).free < 3 * LARGE:
        pytest.skip(f"there is no room for a file of {LARGE >> 20} MiB")
    with server.channel() as channel:
        client = Client(channel)
        payload = new_payload(client)
        answer = accepted(client.payloads.Upload(repeated(payload, "large", LARGE)))
        assert answer.details.size == LARGE and client.files(payload) == {"/large": LARGE}
        request = payloads_pb2.PayloadsDownloadRequest(payload_id=payload, name="large")
        sent, received = hashlib.blake2b(), hashlib.blake2b()
        for part in client.payloads.Download(request):
            received.update(accepted(part).data)
        for part in repeated(payload, "large", LARGE):
            sent.update(part.data)
        assert received.digest() == sent.digest()
        accepted(client.payloads.Delete(payloads_pb2.PayloadsDeleteRequest(payload_id=payload)))
    assert memory_peak(server.pid) < 150 << 20


WAITING = """\
import os, sys, time
while not os.path.exists({!r}):
    time.sleep(0.05)
print("done")
"""


def test_the_server_is_killed_in_the_middle_of_uploads_and_jobs(tmp_path: Path) -> None:
    """20 uploads and 5 running jobs: no part of a file is seen, the jobs end well, those that wait get their turn."""
    gate = tmp_path / "gate"
    with server_in(tmp_path / "own", configuration="cpus: 5\nmounts: off\n") as server:
        server.program("echo", WAITING.format(str(gate)))
        with server.channel() as channel:
            client = Client(channel)
            payload = new_payload(client)
            client.upload(payload, "whole", b"whole")
            pipeline = client.pipeline(ECHO)
            jobs = [client.job(pipeline, f"job {number}").job_id for number in range(7)]
            for job in jobs:
                client.start(job)
            wait_until(lambda: states(client, jobs) == ["RUNNING"] * 5 + ["PENDING"] * 2, "five jobs to run", 60)
            begun = [threading.Event() for _ in range(20)]

            def endless(number: int) -> Iterator[Any]:
                for count, part in enumerate(repeated(payload, f"file{number % 10}", ENDLESS)):
                    if count == 3:
                        begun[number].set()
                    yield part

            calls = [client.payloads.Upload.future(endless(number)) for number in range(20)]
            assert all(event.wait(60) for event in begun)
            os.kill(server.pid, signal.SIGKILL)
            for call in calls:
                with pytest.raises(grpc.RpcError):
                    call.result(timeout=60)
        folder = server.root / "payloads"
        assert [path.name for path in (folder / payload.value).iterdir()] == ["whole"]
        assert aside(server) == 20, "the uploads were not in the middle"
        server.start()
        with server.channel() as channel:
            client = Client(channel)
            assert states(client, jobs) == ["RUNNING"] * 5 + ["PENDING"] * 2
            wait_until(lambda: not list(folder.glob(".incoming-*")), "what the uploads left to be removed")
            gate.touch()
            assert {client.ended(job).status for job in jobs} == {jobs_pb2.JOB_STATUS_HEALTHY}
            assert client.files(payload) == {"/whole": 5}
            client.upload(payload, "file0", b"again")
            assert client.files(payload) == {"/whole": 5, "/file0": 5}


def aside(server: Server) -> int:
    """Uploads that are not in place."""
    return sum(path.is_dir() for path in (server.root / "payloads").glob(".incoming-*"))


def states(client: Client, jobs: list[Identifier]) -> list[str]:
    return [jobs_pb2.JobState.Name(client.status(job).state).removeprefix("JOB_STATE_") for job in jobs]


def test_slow_clients_keep_nobody_waiting(tmp_path: Path) -> None:
    """Uploads that trickle, calls whose request never comes, and connections that say nothing, 40 of each.

    They get no thread, others are served meanwhile, and once their time is up nothing is left of them.
    """
    with server_in(tmp_path / "own", configuration="platform: {idle: 4}\n") as server, server.channel() as channel:
        client = Client(channel)
        payload = new_payload(client)
        client.upload(payload, "whole", b"whole")
        over = threading.Event()

        def trickle(number: int) -> Iterator[Any]:
            while True:
                yield from chunks(payload, f"slow{number}", b"x")
                if over.wait(0.3):
                    return

        def silent() -> Iterator[bytes]:
            over.wait(60)
            yield from ()

        with ExitStack() as stack:
            other = stack.enter_context(grpc.insecure_channel(server.address, OWN_CONNECTION))
            uploads = [Client(other).payloads.Upload.future(trickle(number)) for number in range(40)]
            names = [name for name, (_, method) in every_method().items() if not method.server_streaming]
            calls = [other.stream_unary(f"/{name}").future(silent()) for name in (names * 2)[:40]]
            for _ in range(40):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            wait_until(lambda: aside(server) == 40, "40 slow uploads")
            for number in range(20):
                client.upload(payload, f"quick{number}", bytes(100_000))
                assert client.download(payload, f"quick{number}") == bytes(100_000)
            (threads,) = (line for line in process_status(server.pid) if line.startswith("Threads"))
            for call in uploads:
                code, text = refusal(call.result(timeout=60))
                assert code == -0x0005 and "in 4 s" in text
            for call in calls:
                # Every answer begins with its header: the tag, the length, then the code.
                assert call.result(timeout=60)[2:3] == b"\x08"
            over.set()
        assert int(threads.split()[1]) < 40 + 8 + 40, "a thread for each slow client"
        assert not list((server.root / "payloads").glob(".incoming-*"))
        assert len(client.files(payload)) == 21


def process_status(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/status").read_text().splitlines()


def test_calls_beyond_the_limits(server: Server) -> None:
    """The 129th call of one connection waits for one to end; the 1001st of all is refused."""
    request = clara_pb2.ClaraUtilizationRequest(watch=True)
    with ExitStack() as stack:
        channels = [stack.enter_context(grpc.insecure_channel(server.address, OWN_CONNECTION)) for _ in range(9)]
        watched = [Client(channels[0]).clara.Utilization(request) for _ in range(128)]
        for call in watched:
            accepted(next(call))
        with pytest.raises(grpc.RpcError, match="DEADLINE_EXCEEDED"):
            Client(channels[0]).clara.Version(clara_pb2.ClaraVersionRequest(), timeout=3)
        waiting = Client(channels[0]).clara.Version.future(clara_pb2.ClaraVersionRequest(), timeout=30)
        watched.pop().cancel()
        accepted(waiting.result())
        watched += [Client(channel).clara.Utilization(request) for channel in channels[1:] for _ in range(125)]
        seen = Counter(first_code(call) for call in watched)
        assert seen == {None: 1000, grpc.StatusCode.RESOURCE_EXHAUSTED: 127}
        for call in watched:
            call.cancel()
    with server.channel() as channel:
        wait_until(lambda: first_code(Client(channel).clara.Utilization(request)) is None, "room for calls")


def first_code(call: Any) -> grpc.StatusCode | None:
    """How a call fails that has just begun; None for one that is answered."""
    try:
        accepted(next(call))
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()  # type: ignore[attr-defined]
        return code
    return None


def test_many_clients_at_once(server: Server) -> None:
    """64 clients create, upload, start, list, look and cancel; every answer is a good one."""
    server.program("echo", "print('hello')\n")
    with server.channel() as channel:
        pipeline = Client(channel).pipeline(ECHO)
    deadline = time.monotonic() + MINUTE

    def one_client(number: int) -> int:
        rounds = 0
        chance = random.Random(number)
        with grpc.insecure_channel(server.address, OWN_CONNECTION) as channel:
            client = Client(channel)
            while time.monotonic() < deadline:
                job = client.job(pipeline, f"client {number}")
                data = chance.randbytes(chance.randrange(200_000))
                client.upload(job.payload_id, "data", data)
                assert client.download(job.payload_id, "input/data") == data
                wanted = jobs_pb2.JobsListRequest.JobFilter(has_state=[jobs_pb2.JOB_STATE_PENDING])
                for found in client.jobs.List(jobs_pb2.JobsListRequest(filter=wanted)):
                    accepted(found)
                if number < 8:
                    client.start(job.job_id)
                answer = accepted(client.jobs.Cancel(jobs_pb2.JobsCancelRequest(job_id=job.job_id)))
                assert answer.job_state == jobs_pb2.JOB_STATE_STOPPED
                assert client.status(job.job_id).status == answer.job_status
                rounds += 1
        return rounds

    with ThreadPoolExecutor(64) as clients:
        rounds = list(clients.map(one_client, range(64)))
    assert min(rounds) > 0
    assert len(list((server.root / "payloads").iterdir())) >= sum(rounds)
