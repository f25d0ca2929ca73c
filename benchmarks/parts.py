"""Where the time of the walkthrough goes: its parts one by one, in this process, as the operators do them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clara.io
import numpy as np
from clara import io_gzip, io_threads
from clara.mapping import Mapping
from clara.memory import reserve
from numpy.typing import NDArray
from rich.table import Table
from timing import Spread, interleaved, timed
from workspace import CLARA, Workspace, array, operator

SHARED_MEMORY = "/dev/shm"
Spent = tuple[float, float]
PROGRAM = "import numpy, clara, clara.io; clara.Driver; clara.io.open_nifti, clara.io.write_npz"


def profile(space: Workspace, volume: Path, runs: int) -> Table:
    """Each part alone; parts that use two cores take less time than processor time."""
    opened = clara.io.open_nifti(volume)
    shared = _shared(opened.shape)
    npz = space.folder / "parts.npz"
    clara.io.write_npz(npz, segmentation=opened.read(shared))
    cases: dict[str, Callable[[], Spent]] = {
        "clara start job, three operators that do nothing": _nothing(space),
        "one Python with numpy, clara and clara.io": lambda: _process([sys.executable, "-c", PROGRAM]),
        "pages: a new segment in shared memory": _in_process(lambda: _shared(opened.shape)),
        "unpack the .nii.gz": _in_process(lambda: _unpack(volume)),
        "the same, and put it in place as float32": _in_process(lambda: opened.read(shared)),
        "pack and write the .npz": _in_process(lambda: clara.io.write_npz(npz, segmentation=shared)),
        "unpack the .npz": _in_process(lambda: _pieces(npz, None)),
        "the same, and compare": _in_process(lambda: _pieces(npz, shared)),
    }
    results = interleaved(cases, runs)
    table = Table(title="walkthrough, CT-like: its parts, ms, median (least - greatest)")
    for column in ("part", "time", "processor time"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for name, series in results.items():
        table.add_row(name, *(Spread.of(column).milliseconds() for column in zip(*series, strict=True)))
    return table


def _in_process(function: Callable[[], Any]) -> Callable[[], Spent]:
    def case() -> Spent:
        began, worked = time.perf_counter(), time.process_time()
        function()
        return time.perf_counter() - began, time.process_time() - worked

    return case


def _process(argv: list[str], environment: dict[str, str] | None = None) -> Spent:
    before = os.times()
    seconds = timed(argv, environment or os.environ)
    after = os.times()
    return seconds, after.children_user + after.children_system - before.children_user - before.children_system


def _nothing(space: Workspace) -> Callable[[], Spent]:
    byte = array("done", 1)
    operators = [operator("noop-1", "noop", [], [byte])]
    operators += [operator(f"noop-{n}", "noop", [{"from": f"noop-{n - 1}", **byte}], [byte]) for n in (2, 3)]
    pipeline = space.pipeline(operators)

    def case() -> Spent:
        job = space.job(pipeline)
        return _process([str(CLARA), "start", "job", "-j", job], space.environment)

    return case


def _shared(shape: tuple[int, ...]) -> NDArray[np.float32]:
    nbytes = 4 * int(np.prod(shape))
    descriptor = os.open(SHARED_MEMORY, os.O_TMPFILE | os.O_RDWR, 0o600)
    try:
        reserve(descriptor, nbytes, "parts")
        return Mapping(descriptor, nbytes, True, "parts").array("float32", shape)
    finally:
        os.close(descriptor)


def _unpack(volume: Path) -> None:
    piece = memoryview(bytearray(1 << 20))
    with io_gzip.open_gzip(volume) as stream:
        while io_threads.fill(stream, piece) == len(piece):
            pass


def _pieces(npz: Path, expected: NDArray[np.float32] | None) -> None:
    flat = None if expected is None else expected.reshape(-1)
    for start, piece in clara.io.open_npz(npz)["segmentation"].pieces():
        assert flat is None or np.array_equal(flat[start : start + len(piece)], piece)
