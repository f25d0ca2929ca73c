"""A small runner's side of the job socket, with real segments, for real operator processes."""

from __future__ import annotations

import array
import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

MODULES = Path(__file__).parents[3] / "clara_cli" / "operator_path"
JOB_ID = "11111111-2222-3333-4444-555555555555"


class Result(NamedTuple):
    code: int
    out: str
    err: str


def segment(data: bytes = b"") -> int:
    descriptor = os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    os.write(descriptor, data)
    return descriptor


class Runner:
    """Serves one operator. `refuse` maps an op to `(error, kind)`; `hold` keeps `wait` unanswered."""

    def __init__(self) -> None:
        self.inputs: list[dict[str, Any]] = []
        self.outputs: list[dict[str, Any]] = []
        self.shapes: list[Any] = []
        self.written: dict[int, list[int]] = {}
        self.seen: list[dict[str, Any]] = []
        self.refuse: dict[str, tuple[str, str]] = {}
        self.resources: dict[int, dict[str, Any]] = {}
        self.names: dict[str, int] = {}
        self.inherit = True
        self.hold = False
        self.waiting = threading.Event()
        self.descriptors: dict[tuple[str, int], int] = {}
        self.address = f"clara-test-{uuid.uuid4()}"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind("\0" + self.address)
        self._listener.listen()
        self.connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def add_folder(self, side: str, name: str, path: Path) -> None:
        getattr(self, side).append({"kind": "stream", "name": name, "path": str(path)})
        if side == "inputs":
            self.shapes.append(None)

    def add_output(self, name: str, element_type: str, shape: list[int], string: bool = False) -> int:
        return self._add("outputs", name, element_type, shape, string, segment())

    def add_input(self, name: str, values: Any, declared: list[int] | None = None, string: bool = False) -> int:
        """`values`: an array, or None for a variable that its producer left unallocated."""
        data = b"" if values is None else np.ascontiguousarray(values).tobytes()
        kind = "float32" if values is None else str(values.dtype)
        shape = list(values.shape) if declared is None else declared
        self.shapes.append(None if values is None else list(values.shape))
        return self._add("inputs", name, kind, shape, string, segment(data))

    def _add(self, side: str, name: str, kind: str, shape: list[int], string: bool, descriptor: int) -> int:
        entry = {"kind": "fastio", "name": name, "string": string, "element_type": kind, "shape": shape}
        entry.update(fd=descriptor, inode=os.fstat(descriptor).st_ino)
        entries = getattr(self, side)
        entries.append(entry)
        self.descriptors[side, len(entries) - 1] = descriptor
        return len(entries) - 1

    def array(self, index: int) -> Any:
        """What the operator wrote into an output."""
        dtype = np.dtype(self.outputs[index]["element_type"])
        data = os.pread(self.descriptors["outputs", index], 1 << 26, 0)
        return np.frombuffer(data, dtype).reshape(self.written[index])

    def start(self, program: str | Path, **environment: str) -> subprocess.Popen[str]:
        command = ["-c", textwrap.dedent(program)] if isinstance(program, str) else [str(program)]
        names = {"CLARA_JOB_SOCKET": self.address, "NVIDIA_CLARA_STAGENAME": "stage-under-test"}
        names.update(PYTHONPATH=str(MODULES), PYTHONDONTWRITEBYTECODE="1", **environment)
        return subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **names},
            pass_fds=list(self.descriptors.values()) if self.inherit else (),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, program: str | Path, **environment: str) -> Result:
        return self.finish(self.start(program, **environment))

    def execute(self, body: str, **environment: str) -> Result:
        """Run a program whose execute handler is `body`."""
        return self.run(operator(body), **environment)

    @staticmethod
    def finish(process: subprocess.Popen[str]) -> Result:
        out, err = process.communicate(timeout=30)
        return Result(process.returncode, out, err)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join(10)
        for descriptor in [*self.descriptors.values(), *(r["fd"] for r in self.resources.values())]:
            os.close(descriptor)

    def hang_up(self) -> None:
        if self.connection is not None:
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _serve(self) -> None:
        while True:
            try:
                self.connection, _ = self._listener.accept()
            except OSError:
                return
            with self.connection:
                while packet := self._packet():
                    self._answer(json.loads(packet))

    def _packet(self) -> bytes:
        assert self.connection is not None
        try:
            return self.connection.recv(1 << 20)
        except ConnectionError:
            return b""

    def _answer(self, request: dict[str, Any]) -> None:
        self.seen.append(request)
        op = request.pop("op")
        if op == "wait":
            self.waiting.set()
            if self.hold:
                return
        if op in self.refuse:
            error, kind = self.refuse[op]
            reply, descriptors = {"ok": False, "error": error, "kind": kind}, []
        else:
            fields, descriptors = getattr(self, "_on_" + op)(**request)
            reply = {"ok": True, **fields}
        request["op"] = op
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        assert self.connection is not None
        try:
            self.connection.sendmsg([json.dumps(reply).encode()], rights)
        except OSError:
            pass  # the operator is gone, which is what some tests want

    def _on_hello(self, stage: str) -> Any:
        job = {"job_id": JOB_ID, "job_name": "a-job", "stage": stage}
        return {**job, "inputs": self.inputs, "outputs": self.outputs}, []

    def _on_wait(self) -> Any:
        return {"shapes": self.shapes}, []

    def _on_shape(self, output: int, shape: list[int]) -> Any:
        self.written[output] = shape
        return {}, []

    def _on_descriptor(self, side: str, index: int) -> Any:
        return {}, [self.descriptors[side, index]]

    def _on_create(self, size: int) -> Any:
        number = len(self.resources)
        self.resources[number] = {"size": size, "element_type": None, "dimensions": None, "fd": segment()}
        return {"id": number}, [self.resources[number]["fd"]]

    def _on_publish(self, id: int, name: str) -> Any:
        self.names[name] = id
        return {}, []

    def _on_get(self, name: str) -> Any:
        found = self.resources[self.names[name]]
        return {"id": self.names[name], **{k: v for k, v in found.items() if k != "fd"}}, [found["fd"]]

    def _on_describe(self, id: int, element_type: str, dimensions: list[int]) -> Any:
        self.resources[id].update(element_type=element_type, dimensions=dimensions)
        return {}, []

    def _on_metadata(self, id: int) -> Any:
        return {k: v for k, v in self.resources[id].items() if k != "fd"}, []

    def _on_map(self, id: int, write: bool) -> Any:
        return {}, []

    _on_unmap = _on_map

    def _on_release(self, id: int) -> Any:
        return {}, []

    _on_free = _on_release


def operator(body: str) -> str:
    return (
        "import os, sys, time, clara\n"
        "def execute(driver, payload):\n"
        "    ins, outs = payload.fastio_input_entries, payload.fastio_output_entries\n"
        + textwrap.indent(textwrap.dedent(body), "    ")
        + "\ndriver = clara.Driver(execute_handler=execute)\n"
        "driver.start()\n"
        "driver.wait_for_completion()\n"
    )


@pytest.fixture
def runner():
    runner = Runner()
    yield runner
    runner.close()
