"""A platform server for tests: a real one, with a root and a home of its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

# Children that are forked here become other programs at once; what gRPC would do for them can only fail.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import grpc
import pytest
from google.protobuf.descriptor_pb2 import MethodDescriptorProto, ServiceDescriptorProto
from support import installed_command, ordinary_user, wait_until

from clara_cli.root import Root
from clara_cli.server import process
from clara_cli.server.stub import Stub
from clara_cli.server.wire import clara_pb2, jobs_pb2, models_pb2, payloads_pb2, pipelines_pb2
from clara_cli.server.wire.common_pb2 import Identifier

# Drills in the size that the project promises, and not in the one that fits into every test run.
FULL = os.environ.get("CLARA_DRILL") == "full"

CLIENTS = Path(__file__).parent / "e2e" / "platform" / "clients"


@dataclass
class Server:
    """A server in the background; `port` is 0 until it was started."""

    folder: Path
    port: int = 0

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.folder), "CLARA_ROOT": str(self.root)}

    @property
    def pid(self) -> int:
        running = process.find_running(Root(self.root))
        assert running is not None, "the server does not run"
        return running.pid

    def clara(self, *words: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the installed command beside the server."""
        done = subprocess.run(
            [installed_command(), *map(str, words)],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            preexec_fn=ordinary_user,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def configure(self, text: str) -> None:
        """Write the configuration file that the server reads when it starts."""
        (self.folder / ".clara").mkdir(exist_ok=True)
        (self.folder / ".clara" / "config.yaml").write_text(text)

    def start(self, *words: str, **environment: str) -> None:
        port = self.port or 0
        out = self.clara("platform", "start", "--port", port, *words, **environment).stdout
        (line,) = (line for line in out.splitlines() if line.startswith("ADDRESS: "))
        self.port = int(line.rpartition(":")[2])

    def stop(self) -> None:
        self.clara("platform", "stop")

    def log(self) -> str:
        return (self.root / "platform" / "server.log").read_text()

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(self.address)

    def program(self, image: str, text: str, name: str = "main.py") -> None:
        """Register a program for an image."""
        folder = self.folder / "programs" / image
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        self.clara("create", "image", "-n", image, "-p", folder)


@contextmanager
def server_in(folder: Path, *words: str, configuration: str = "") -> Iterator[Server]:
    """A server that ends with the block, whose log holds no stack of a bug."""
    server = Server(folder)
    folder.mkdir(exist_ok=True)
    if configuration:
        server.configure(configuration)
    server.start(*words)
    try:
        yield server
    finally:
        server.stop()
    assert "Traceback" not in server.log(), server.log()


@contextmanager
def made_once(folder: Path, name: str) -> Iterator[Path | None]:
    """A folder that is filled inside the block, by the first process that comes; None where it is there already."""
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / f"{name}.done"
        if done.exists():
            yield None
        else:
            yield folder / name
            done.touch()


def cache(config: pytest.Config, name: str) -> Path:
    """A folder that outlives the test run."""
    assert config.cache is not None
    return config.cache.mkdir(name)


class Client:
    """The services of a server as stubs."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.clara = Stub(channel, clara_pb2)
        self.jobs = Stub(channel, jobs_pb2)
        self.payloads = Stub(channel, payloads_pb2)
        self.pipelines = Stub(channel, pipelines_pb2)
        self.models = Stub(channel, models_pb2)

    def pipeline(self, definition: str) -> Identifier:
        part = pipelines_pb2.PipelineDefinitionFile(path="pipeline.yaml", content=definition)
        return accepted(
            self.pipelines.Create(iter([pipelines_pb2.PipelinesCreateRequest(definition=part)]))
        ).pipeline_id

    def job(self, pipeline: Identifier, name: str = "job") -> Any:
        """The answer to Jobs.Create: `job_id`, `payload_id`."""
        return accepted(self.jobs.Create(jobs_pb2.JobsCreateRequest(pipeline_id=pipeline, name=name)))

    def upload(self, payload: Identifier, name: str, data: bytes, chunk: int = 65536) -> Any:
        return accepted(self.payloads.Upload(chunks(payload, name, data, chunk)))

    def files(self, payload: Identifier) -> dict[str, int]:
        """Size of each file of a payload."""
        found = self.payloads.Details(payloads_pb2.PayloadsDetailsRequest(payload_id=payload))
        return {one.file.name: one.file.size for one in map(accepted, found) if one.HasField("file")}

    def download(self, payload: Identifier, name: str) -> bytes:
        request = payloads_pb2.PayloadsDownloadRequest(payload_id=payload, name=name)
        return b"".join(accepted(part).data for part in self.payloads.Download(request))

    def status(self, job: Identifier) -> Any:
        return accepted(self.jobs.Status(jobs_pb2.JobsStatusRequest(job_id=job)))

    def start(self, job: Identifier) -> Any:
        return accepted(self.jobs.Start(jobs_pb2.JobsStartRequest(job_id=job)))

    def ended(self, job: Identifier) -> Any:
        """The status of a job, once it has stopped."""
        wait_until(lambda: self.status(job).state == jobs_pb2.JOB_STATE_STOPPED, "the end of the job", 60)
        return self.status(job)


MODULES = (clara_pb2, jobs_pb2, models_pb2, payloads_pb2, pipelines_pb2)


def every_method() -> dict[str, tuple[ModuleType, MethodDescriptorProto]]:
    """Each method of the published services by its full name, with the module that describes it."""
    found = {}
    for module in MODULES:
        (service,) = module.DESCRIPTOR.services_by_name.values()
        proto = ServiceDescriptorProto()
        service.CopyToProto(proto)
        for method in proto.method:
            found[f"{service.full_name}/{method.name}"] = (module, method)
    return found


def accepted(answer: Any) -> Any:
    """An answer without an error in it."""
    assert answer.header.code >= 0, list(answer.header.messages)
    return answer


def refusal(answer: Any) -> tuple[int, str]:
    """Code and text of an answer with an error, which always has a text."""
    if hasattr(answer, "__next__"):
        answer = next(answer)
    assert answer.header.code < 0 and answer.header.messages, answer
    return answer.header.code, "\n".join(answer.header.messages)


def chunks(payload: Identifier, name: str, data: bytes, chunk: int = 65536) -> Iterator[Any]:
    """The messages that upload one file."""
    for start in range(0, max(len(data), 1), chunk):
        details = payloads_pb2.PayloadFileDetails(name=name)
        yield payloads_pb2.PayloadsUploadRequest(payload_id=payload, details=details, data=data[start : start + chunk])


ECHO = """\
api-version: 0.4.0
orchestrator: Clara
name: echo-pipeline
operators:
- name: echo
  container: {image: echo}
  input: [{path: /input}]
  output: [{path: /output}]
"""
