"""Operator processes: real ones."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from clara_cli.errors import RuntimeFailure
from clara_cli.runtime.process import OperatorProcess, OperatorRequest, exit_text, log_tail
from clara_cli.runtime.strays import end_strays


def request(tmp_path: Path, *argv: str, **environment: str) -> OperatorRequest:
    return OperatorRequest(argv, tmp_path, {"PATH": os.environ["PATH"], **environment}, (), tmp_path / "op.log")


def finish(process: OperatorProcess) -> int:
    assert select.select([process.handle], [], [], 20)[0]
    return process.reap()


def test_both_streams_go_into_one_log_in_order(tmp_path: Path) -> None:
    process = OperatorProcess(request(tmp_path, "sh", "-c", "for i in 1 2 3; do echo o$i; echo e$i >&2; done; exit 3"))
    assert finish(process) == 3
    assert log_tail(tmp_path / "op.log") == ["o1", "e1", "o2", "e2", "o3", "e3"]
    assert log_tail(tmp_path / "op.log", 2) == ["o3", "e3"]


def test_the_log_can_be_read_while_the_operator_runs(tmp_path: Path) -> None:
    process = OperatorProcess(request(tmp_path, "sh", "-c", "echo early; sleep 30"))
    assert select.select([process.output], [], [], 20)[0]
    assert process.drain()
    assert (tmp_path / "op.log").read_text() == "early\n"
    process.signal(signal.SIGTERM)
    assert finish(process) == -signal.SIGTERM


def test_an_operator_has_a_session_of_its_own_and_no_input(tmp_path: Path) -> None:
    program = "import os, sys; print(os.getsid(0) == os.getpid(), sys.stdin.read() == '')"
    finish(OperatorProcess(request(tmp_path, sys.executable, "-c", program)))
    assert log_tail(tmp_path / "op.log") == ["True True"]


def test_what_an_operator_leaves_in_its_group_is_ended_with_it(tmp_path: Path) -> None:
    process = OperatorProcess(request(tmp_path, "sh", "-c", "sleep 60 & echo $!"))
    assert finish(process) == 0
    child = int(log_tail(tmp_path / "op.log")[0])
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("name", "content", "mode", "told"),
    [
        ("missing", None, 0, "there is no program"),
        ("plain", b"#!/bin/sh\n", 0o644, "permission denied"),
        ("text", b"not a program\n", 0o755, "neither a binary nor a script"),
    ],
)
def test_a_program_that_cannot_be_started(
    tmp_path: Path, name: str, content: bytes | None, mode: int, told: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(RuntimeFailure, match=told):
        OperatorProcess(request(tmp_path, str(path)))
    assert len(os.listdir("/proc/self/fd")) == before


def test_ends_in_words() -> None:
    assert exit_text(3) == "exit code 3"
    assert exit_text(-9) == "killed by SIGKILL"
    assert exit_text(-99) == "killed by signal 99"


def test_strays_are_found_by_their_environment_wherever_they_hid(tmp_path: Path) -> None:
    hide = "setsid sh -c 'echo $$ > daemon; exec sleep 60' & while [ ! -s daemon ]; do sleep 0.01; done"
    job = "5ca1ab1e" * 4
    marked = {"NVIDIA_CLARA_JOBID": job, "NVIDIA_CLARA_STAGENAME": "op"}
    process = OperatorProcess(request(tmp_path, "sh", "-c", hide, **marked))
    finish(process)
    daemon = int((tmp_path / "daemon").read_text())
    assert end_strays(job, "another operator") == 0
    assert end_strays("0" * 32) == 0
    assert Path(f"/proc/{daemon}").exists()
    assert end_strays(job, "op") >= 1
    assert end_strays(job) == 0
