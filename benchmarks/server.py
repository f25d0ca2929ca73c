"""The platform server beside minimal gRPC servers: calls a second, throughput, and a job from start to end.

The client is the same for all of them and makes the same messages. An upload is one of a new file; the one before is
removed outside the clock.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from many import fill
from rich.table import Table
from timing import Spread, interleaved, ratio
from workspace import Workspace, array, operator

from clara_cli.server.stub import Stub
from clara_cli.server.wire import jobs_pb2, payloads_pb2
from clara_cli.server.wire.common_pb2 import Identifier

JOBS = 1000
CALLS = 300
SIZE = 256 << 20
# What NVIDIA's client sends at once, and what the server answers at once.
UP, DOWN = 64 << 10, 1 << 20
TARGET = 0.8
KINDS = ("threads", "asyncio")


def measure(runs: int) -> list[Table]:
    """Calls and streams, each beside both kinds of a server that only echoes."""
    with ExitStack() as stack:
        space = stack.enter_context(Workspace())
        job = fill(space, JOBS)
        channel = stack.enter_context(_platform(space))
        echoes = {kind: stack.enter_context(_echo(kind, space.folder)) for kind in KINDS}
        jobs, payloads = Stub(channel, jobs_pb2), Stub(channel, payloads_pb2)
        payload = payloads.Create(payloads_pb2.PayloadsCreateRequest()).payload_id
        payloads.Upload(_parts(payload, "large"))
        status, listed = "Status", f"List of {JOBS} jobs"
        up, down = f"upload in {UP >> 10} KiB", f"download in {DOWN >> 20} MiB"
        upload, download = partial(_upload, payloads, payload), partial(_download, payloads, payload)
        cases: dict[tuple[str, str], Callable[[], float]] = {
            (status, "clara"): partial(_status, jobs, job),
            (listed, "clara"): partial(_list, jobs),
            (up, "clara"): upload,
            (f"{up}, kept", "clara"): upload,
            (down, "clara"): download,
            (f"{down}, of a file", "clara"): download,
        }
        answer = jobs.Status(jobs_pb2.JobsStatusRequest(job_id=Identifier(value=job))).SerializeToString()
        entry = next(iter(jobs.List(jobs_pb2.JobsListRequest()))).SerializeToString()
        chunk = payloads_pb2.PayloadsDownloadResponse
        for kind, echo in echoes.items():
            cases[status, kind] = partial(_same, echo, answer)
            cases[listed, kind] = partial(_consumed, echo, "Many", jobs_pb2.JobsListResponse, entry)
            cases[up, kind] = partial(_taken, echo, "Take", payload)
            cases[f"{up}, kept", kind] = partial(_taken, echo, "Store", payload)
            cases[down, kind] = partial(_consumed, echo, "Give", chunk, str(SIZE // DOWN).encode())
            cases[f"{down}, of a file", kind] = partial(_consumed, echo, "Load", chunk, str(DOWN).encode())
        results = interleaved(cases, runs)
        latency = [_no_op(space, jobs) for _ in range(runs)]
    return [_table(results), _rates(results, (status, listed)), _latency(latency)]


def _table(results: dict[tuple[str, str], list[float]]) -> Table:
    table = Table(title=f"server: ms, median (least - greatest); streams of {SIZE >> 20} MiB, target {TARGET}")
    for column in ("what", "clara", *(f"echo, {kind}" for kind in KINDS), *(f"speed to {kind}" for kind in KINDS)):
        table.add_column(column)
    for what in dict.fromkeys(what for what, _ in results):
        series = {name: results[what, name] for name in ("clara", *KINDS)}
        times = [Spread.of(item).milliseconds() for item in series.values()]
        table.add_row(what, *times, *(f"{ratio(series[kind], series['clara']):.2f}" for kind in KINDS))
    return table


def _rates(results: dict[tuple[str, str], list[float]], calls: tuple[str, ...]) -> Table:
    table = Table(title="server: calls a second, of one client after another, from the medians")
    for column in ("what", "clara", *(f"echo, {kind}" for kind in KINDS)):
        table.add_column(column)
    for what in calls:
        table.add_row(what, *(f"{1 / Spread.of(results[what, name]).median:,.0f}" for name in ("clara", *KINDS)))
    return table


def _latency(series: list[float]) -> Table:
    table = Table(
        title="server: a job of one program that does nothing, from Start to the Status that says stopped, ms"
    )
    table.add_column("time")
    table.add_row(Spread.of(series).milliseconds())
    return table


@contextmanager
def _platform(space: Workspace) -> Iterator[grpc.Channel]:
    out = space.clara("platform", "start", "--port", "0")
    (address,) = (line.split()[1] for line in out.splitlines() if line.startswith("ADDRESS"))
    try:
        with grpc.insecure_channel(address) as channel:
            yield channel
    finally:
        space.clara("platform", "stop")


@contextmanager
def _echo(kind: str, folder: Path) -> Iterator[grpc.Channel]:
    command = [sys.executable, str(Path(__file__).with_name("echo_server.py")), kind, str(folder)]
    # In a session of its own, as clara's server: on a busy machine the kernel shares processors out among sessions.
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as process:
        assert process.stdout is not None and process.stdin is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            yield channel
        process.stdin.close()


def _clocked(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _status(jobs: Any, job: str) -> float:
    request = jobs_pb2.JobsStatusRequest(job_id=Identifier(value=job))
    return _clocked(lambda: [jobs.Status(request) for _ in range(CALLS)]) / CALLS


def _same(echo: grpc.Channel, answer: bytes) -> float:
    call = echo.unary_unary("/Echo/Same", response_deserializer=jobs_pb2.JobsStatusResponse.FromString)
    return _clocked(lambda: [call(answer) for _ in range(CALLS)]) / CALLS


def _list(jobs: Any) -> float:
    return _clocked(lambda: list(jobs.List(jobs_pb2.JobsListRequest())))


def _consumed(echo: grpc.Channel, method: str, answer: Any, request: bytes) -> float:
    call = echo.unary_stream(f"/Echo/{method}", response_deserializer=answer.FromString)
    return _clocked(lambda: [None for _ in call(request)])


def _parts(payload: Identifier, name: str) -> Iterator[Any]:
    details, data = payloads_pb2.PayloadFileDetails(name=name), bytes(UP)
    for _ in range(SIZE // UP):
        yield payloads_pb2.PayloadsUploadRequest(payload_id=payload, details=details, data=data)


def _upload(payloads: Any, payload: Identifier) -> float:
    # As the echo server truncates its file: the memory of the file before is what the kernel takes next.
    payloads.Remove(payloads_pb2.PayloadsRemoveRequest(payload_id=payload, name="new"))
    return _clocked(lambda: payloads.Upload(_parts(payload, "new")))


def _taken(echo: grpc.Channel, method: str, payload: Identifier) -> float:
    call = echo.stream_unary(f"/Echo/{method}", payloads_pb2.PayloadsUploadRequest.SerializeToString)
    return _clocked(lambda: call(_parts(payload, "new")))


def _download(payloads: Any, payload: Identifier) -> float:
    request = payloads_pb2.PayloadsDownloadRequest(payload_id=payload, name="large")
    return _clocked(lambda: [None for _ in payloads.Download(request)])


def _no_op(space: Workspace, jobs: Any) -> float:
    pipeline = space.pipeline([operator("noop", "noop", [], [array("token", 1)])])
    made = jobs.Create(jobs_pb2.JobsCreateRequest(pipeline_id=Identifier(value=pipeline), name="no-op")).job_id

    def run() -> None:
        jobs.Start(jobs_pb2.JobsStartRequest(job_id=made))
        while jobs.Status(jobs_pb2.JobsStatusRequest(job_id=made)).state != jobs_pb2.JOB_STATE_STOPPED:
            time.sleep(0.005)

    return _clocked(run)
