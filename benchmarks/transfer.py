"""How long upload and download take, against `cp`, and the memory they need; the memory that `logs` needs."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.table import Table
from timing import Spread, interleaved, ratio
from workspace import CLARA, Workspace, array, operator

TARGET = 1.1
BASELINE = "cp --reflink=never"
FILES = 5000
# Bytes of the one large file; `run.py --size` changes it.
size = 256 << 20


class Run(NamedTuple):
    """One process: seconds, and the most memory it had at once (bytes)."""

    seconds: float
    memory: int


def measure(runs: int) -> list[Table]:
    """One large file and many small ones, into a payload and out of it; a log as large as the one file."""
    return [_one_file(runs), _many_files(runs), _log()]


def _one_file(runs: int) -> Table:
    with Workspace() as space:
        data = space.folder / "data"
        data.mkdir()
        with (data / "volume").open("wb") as file:
            for _ in range(size >> 20):
                file.write(random.randbytes(1 << 20))
        return _table(f"one file of {size >> 20} MiB", space, data, ["--reflink=never"], runs)


def _many_files(runs: int) -> Table:
    with Workspace() as space:
        data = space.folder / "data"
        for count in range(FILES):
            folder = data / str(count // 500)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / str(count)).write_bytes(b"x" * 1000)
        return _table(f"{FILES} files of 1000 bytes", space, data, ["--reflink=never", "-r"], runs)


def _log() -> Table:
    """Each once: it is the memory that counts."""
    with Workspace() as space:
        job = space.job(space.pipeline([operator("noop", "noop", [], [array("token", 1)])]))
        space.clara("start", "job", "-j", job)
        lines = (b"x" * 999 + b"\n") * 1000
        with (space.root / "jobs" / job / "logs" / "noop.log").open("wb") as file:
            for _ in range((size - 1) // len(lines) + 1):
                file.write(lines)
        cases = {
            "cat": ["cat", file.name],
            "clara logs -o noop": [str(CLARA), "logs", "-j", job, "-o", "noop"],
            "clara logs": [str(CLARA), "logs", "-j", job],
            "clara logs -f": [str(CLARA), "logs", "-j", job, "-f"],
        }
        found = {name: _run(argv, space.environment, None) for name, argv in cases.items()}
    table = Table(title=f"transfer: a log of {size >> 20} MiB, whole processes; target 80 MiB")
    for title in ("what", "time, ms", "peak memory, MiB"):
        table.add_column(title, justify="left" if title == "what" else "right")
    for name, run in found.items():
        table.add_row(name, f"{run.seconds * 1e3:.0f}", f"{run.memory / (1 << 20):.1f}")
    return table


def _table(what: str, space: Workspace, data: Path, flags: list[str], runs: int) -> Table:
    payload = space.clara("create", "payload", "-f", str(data)).split()[1]
    target = space.folder / "target"
    copy = ["cp", *flags, str(data / "volume") if "-r" not in flags else str(data), str(target)]
    cases = {
        BASELINE: partial(_run, copy, space.environment, target),
        "clara create payload -f": partial(_upload, space, data),
        "clara download": partial(
            _run, [str(CLARA), "download", f"{payload}:/*", str(target)], space.environment, target
        ),
    }
    results = interleaved(cases, runs)
    baseline = [run.seconds for run in results[BASELINE]]
    table = Table(title=f"transfer: {what}, whole processes, ms, median (least - greatest); target {TARGET}, 80 MiB")
    for title in ("what", "time", "times cp", "peak memory, MiB"):
        table.add_column(title, justify="left" if title == "what" else "right")
    for name, series in results.items():
        seconds = [run.seconds for run in series]
        memory = Spread.of(float(run.memory) for run in series).mebibytes()
        table.add_row(name, Spread.of(seconds).milliseconds(), f"{ratio(seconds, baseline):.2f}", memory)
    return table


def _upload(space: Workspace, data: Path) -> Run:
    run = _run([str(CLARA), "create", "payload", "-f", str(data)], space.environment, None)
    newest = space.clara("list", "payloads", "-q").split()[0]
    space.clara("delete", "payload", newest)
    return run


# A process of its own, because a child counts the memory of who started it as its own peak.
_LAUNCHER = """
import os, sys, time
null = os.open(os.devnull, os.O_WRONLY)
quiet = [(os.POSIX_SPAWN_DUP2, null, 1)]
began = time.perf_counter()
_, status, usage = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet), 0)
print(time.perf_counter() - began, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def _run(argv: Sequence[str], environment: Mapping[str, str], target: Path | None) -> Run:
    """Run a process to its end; what it wrote to `target` is removed afterwards."""
    os.sync()  # what others wrote must not be this one's burden
    done = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, *argv],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    seconds, memory = done.stdout.split()[-2:]
    if target is not None:
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    return Run(float(seconds), int(memory) << 10)
