"""The machine's GPUs, as `nvidia-smi` sees them. A machine without them has an empty list."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GPUS = "--query-gpu=uuid,pci.bus,utilization.gpu,memory.free,memory.used"
_PROCESSES = "--query-compute-apps=gpu_uuid,pid,process_name"
# Seconds that a driver may take to answer.
_PATIENCE = 10.0


@dataclass(frozen=True)
class GpuProcess:
    """A process that uses a GPU: an operator's name with its job, or a program's name without one."""

    name: str
    job_id: str | None


@dataclass(frozen=True)
class Gpu:
    """One GPU; memory in megabytes, `compute` from 0 to 1, `time` in seconds since 1970 UTC."""

    pcie_id: int
    compute: float
    memory_free: int
    memory_used: int
    time: float
    processes: tuple[GpuProcess, ...]


def look() -> list[Gpu]:
    """What the GPUs are doing now."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    processes: dict[str, list[GpuProcess]] = {}
    for identity, pid, name in _rows(program, _PROCESSES, 3):
        processes.setdefault(identity, []).append(_process(pid, name))
    now = time.time()
    return [
        Gpu(_number(bus, 16), _number(compute) / 100, _number(free), _number(used), now, tuple(processes.get(gpu, ())))
        for gpu, bus, compute, free, used in _rows(program, _GPUS, 5)
    ]


def _rows(program: str, query: str, columns: int) -> Iterator[list[str]]:
    command = [program, query, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
    for line in done.stdout.splitlines():
        words = [word.strip() for word in line.split(",")]
        if len(words) == columns:
            yield words


def _process(pid: str, program: str) -> GpuProcess:
    """Operators are known by their environment."""
    try:
        environment = Path(f"/proc/{int(pid)}/environ").read_bytes().decode("utf-8", "replace")
    except (OSError, ValueError):
        return GpuProcess(program, None)
    values = dict(entry.partition("=")[::2] for entry in environment.split("\0"))
    job_id = values.get("NVIDIA_CLARA_JOBID")
    return GpuProcess(values.get("NVIDIA_CLARA_STAGENAME", program) if job_id else program, job_id)


def _number(text: str, base: int = 10) -> int:
    """0 for what a driver does not know (`[N/A]`)."""
    try:
        return int(text, base)
    except ValueError:
        return 0
