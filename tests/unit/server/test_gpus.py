"""The machine's GPUs, as a program that answers like `nvidia-smi` says them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clara_cli.server import gpus

PROGRAM = """#!/bin/sh
case "$1" in
*query-gpu*) echo "GPU-1, 0x3B, 50, 1024, 3072"; echo "GPU-2, 0x5E, [N/A], 16, 0" ;;
*) echo "GPU-1, {operator}, python3"; echo "GPU-1, {other}, /usr/bin/render"; echo "GPU-1, 1, broken, line" ;;
esac
"""


def test_no_gpus_without_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus.look() == []


def test_processes_are_known_by_their_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    own = {"NVIDIA_CLARA_JOBID": "ab" * 16, "NVIDIA_CLARA_STAGENAME": "segment"}
    with (
        subprocess.Popen(sleeper, env=own, stdout=subprocess.PIPE) as operator,
        subprocess.Popen(sleeper, env={}, stdout=subprocess.PIPE) as other,
    ):
        try:
            for process in (operator, other):
                assert process.stdout is not None
                process.stdout.readline()  # its environment is in place
            program = tmp_path / "nvidia-smi"
            program.write_text(PROGRAM.format(operator=operator.pid, other=other.pid))
            program.chmod(0o755)
            monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
            first, second = gpus.look()
        finally:
            operator.kill()
            other.kill()
    assert (first.pcie_id, first.compute, first.memory_free, first.memory_used) == (0x3B, 0.5, 1024, 3072)
    assert first.processes == (gpus.GpuProcess("segment", "ab" * 16), gpus.GpuProcess("/usr/bin/render", None))
    assert (second.compute, second.processes) == (0.0, ())
