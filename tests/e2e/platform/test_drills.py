"""What the server bears: large files in little memory, its own death in the middle of work, many clients at once."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from platform_support import ECHO, Client, Server, accepted, server_in
from support import wait_until

from clara_cli.server.wire import jobs_pb2, payloads_pb2
from clara_cli.server.wire.common_pb2 import Identifier

GIGABYTE = 1 << 30
LARGE = 4 * GIGABYTE
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


def test_four_gigabytes_go_in_and_out_in_little_memory(server: Server) -> None:
    if shutil.disk_usage(server.folder).free < 3 * LARGE:
        pytest.skip("there is no room for a file of 4 GiB")
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


SLOW = "import time\ntime.sleep(3)\nprint('done')\n"


def test_the_server_is_killed_in_the_middle_of_uploads_and_jobs(tmp_path: Path) -> None:
    """20 uploads and 5 running jobs: no part of a file is seen, the jobs end well, those that wait get their turn."""
    with server_in(tmp_path / "own") as server:
        server.program("echo", SLOW)
        with server.channel() as channel:
            client = Client(channel)
            payload = new_payload(client)
            client.upload(payload, "whole", b"whole")
            pipeline = client.pipeline(ECHO)
            jobs = [client.job(pipeline, f"job {number}").job_id for number in range(7)]
            for job in jobs:
                client.start(job)
            going = threading.Event()

            def endless(number: int) -> Iterator[Any]:
                for count, part in enumerate(repeated(payload, f"file{number % 10}", LARGE)):
                    if count == 20:
                        going.set()
                    yield part

            calls = [client.payloads.Upload.future(endless(number)) for number in range(20)]
            assert going.wait(60)
            assert any(client.status(job).state == jobs_pb2.JOB_STATE_RUNNING for job in jobs)
            os.kill(server.pid, signal.SIGKILL)
            for call in calls:
                with pytest.raises(grpc.RpcError):
                    call.result(timeout=60)
        folder = server.root / "payloads"
        assert [path.name for path in (folder / payload.value).iterdir()] == ["whole"]
        server.start()
        with server.channel() as channel:
            client = Client(channel)
            assert {client.ended(job).status for job in jobs} == {jobs_pb2.JOB_STATUS_HEALTHY}
            assert client.files(payload) == {"/whole": 5}
            wait_until(lambda: not list(folder.glob(".incoming-*")), "what the uploads left to be removed")
            client.upload(payload, "file0", b"again")
            assert client.files(payload) == {"/whole": 5, "/file0": 5}


def test_many_clients_at_once(server: Server) -> None:
    """64 clients create, upload, start, list, look and cancel; every answer is a good one."""
    server.program("echo", "print('hello')\n")
    with server.channel() as channel:
        pipeline = Client(channel).pipeline(ECHO)
    deadline = time.monotonic() + 15

    def one_client(number: int) -> int:
        rounds = 0
        chance = random.Random(number)
        with grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            client = Client(channel)
            while time.monotonic() < deadline:
                job = client.job(pipeline, f"client {number}")
                data = chance.randbytes(chance.randrange(200_000))
                client.upload(job.payload_id, "data", data)
                assert client.download(job.payload_id, "input/data") == data
                wanted = jobs_pb2.JobsListRequest.JobFilter(has_state=[jobs_pb2.JOB_STATE_PENDING])
                for found in client.jobs.List(jobs_pb2.JobsListRequest(filter=wanted)):
                    accepted(found)
                if number < 4:
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
