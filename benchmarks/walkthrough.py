"""The FastIO walkthrough on a scan of 512 x 512 x 400, against the same three steps as plain scripts."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray
from parts import profile
from rich.table import Table
from timing import Spread, interleaved, ratio, timed
from workspace import CLARA, OPERATORS, Workspace

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "fastio-passthrough"
DEFINITION = EXAMPLE / "fastio-passthrough-dynamic-pipeline.yaml"
# The operators as somebody writes them who knows nibabel and numpy.
UNCHANGED = OPERATORS / "walkthrough"
SHAPE = (512, 512, 400)
TARGET = 0.1
PLAIN = {
    "read.py": """
import sys, nibabel, numpy as np
volume = nibabel.load(sys.argv[1]).get_fdata(dtype=np.float32)[np.newaxis]
np.save("segmentation.npy", volume)
""",
    "pack.py": """
import numpy as np
np.savez_compressed("segmentation.npz", segmentation=np.load("segmentation.npy"))
""",
    "compare.py": """
import sys, nibabel, numpy as np
original = nibabel.load(sys.argv[1]).get_fdata(dtype=np.float32)[np.newaxis]
equal = np.array_equal(original, np.load("segmentation.npz")["segmentation"])
open("comparison.txt", "w").write("true" if equal else "false")
""",
}


@dataclass(frozen=True)
class Run:
    """Seconds of the whole, and bytes of the `.npz`."""

    time: float
    size: int


def ct() -> NDArray[np.int16]:
    """Like a CT: nothing outside the field of view, air, a body with lungs and a spine, each with its noise."""
    random = np.random.default_rng(1)
    x, y = (np.linspace(-1, 1, size) for size in SHAPE[:2])
    x, y = x[:, None], y[None, :]
    seen = x**2 + y**2 <= 1
    body = (x / 0.75) ** 2 + (y / 0.5) ** 2 <= 1
    lungs = ((np.abs(x) - 0.32) / 0.22) ** 2 + (y / 0.3) ** 2 <= 1
    spine = (x / 0.09) ** 2 + ((y - 0.33) / 0.09) ** 2 <= 1
    base = np.select([spine, lungs, body], [420.0, -820.0, 40.0], -1000.0)
    noise = np.where(body, 14.0, 6.0)
    volume = np.full(SHAPE, -1024, np.int16, order="F")
    for index in range(SHAPE[2]):
        slice_ = base + noise * random.standard_normal(SHAPE[:2])
        volume[:, :, index] = np.where(seen, np.rint(slice_), -1024)
    return volume


def others() -> dict[str, Callable[[], NDArray[Any]]]:
    """What compresses unlike a CT."""
    random = np.random.default_rng(2)
    return {
        "zeros, int16": lambda: np.zeros(SHAPE, np.int16),
        "random bits, int16": lambda: random.integers(-(1 << 15), 1 << 15, SHAPE, np.int16),
        "normal, float32": lambda: random.standard_normal(SHAPE, np.float32),
    }


def measure(runs: int) -> list[Table]:
    """The CT with all ways of doing it; other volumes once each, plain and ours; the parts of the CT's way."""
    table = Table(
        title=f"walkthrough: 512 x 512 x 400, whole processes, ms, median (least - greatest); target {TARGET}"
    )
    columns = ("volume", "way", "time", "times plain", ".npz, MiB", "times plain's")
    for column in columns:
        table.add_column(column, justify="left" if column in columns[:2] else "right")
    with Workspace() as space:
        volume = _saved(space, ct())
        _add(table, "CT-like, int16", space, volume, runs, unchanged=True)
        parts = profile(space, volume, runs)
    for label, make in others().items():
        with Workspace() as space:
            _add(table, label, space, _saved(space, make()), 1, unchanged=False)
    if template := _mni152():
        with Workspace() as space:
            _add(table, "MNI152 (nilearn)", space, template, runs, unchanged=True)
    return [table, parts]


def _saved(space: Workspace, array: NDArray[Any]) -> Path:
    path = space.folder / "volume.nii.gz"
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), path)
    return path


def _mni152() -> Path | None:
    """The template of a head that comes with nilearn, where that is installed."""
    found = importlib.util.find_spec("nilearn")
    if found is None or not found.origin:
        return None
    return next((Path(found.origin).parent / "datasets" / "data").glob("mni_icbm152_t1_*.nii.gz"), None)


def _add(table: Table, label: str, space: Workspace, volume: Path, runs: int, *, unchanged: bool) -> None:
    cases = {"plain scripts": partial(_plain, space, volume), "clara": partial(_job, space, volume, EXAMPLE)}
    if unchanged:
        cases["clara, nibabel and numpy"] = partial(_job, space, volume, UNCHANGED)
        cases["clara, nibabel and numpy, --fast-io"] = partial(_job, space, volume, UNCHANGED, "--fast-io")
    results = interleaved(cases, runs)
    plain = results["plain scripts"]
    for way, series in results.items():
        times, sizes = [run.time for run in series], [run.size for run in series]
        table.add_row(
            *(label, way, Spread.of(times).milliseconds()),
            f"{ratio(times, [run.time for run in plain]):.3f}",
            *(f"{sizes[0] / (1 << 20):.1f}", f"{ratio(sizes, [run.size for run in plain]):.3f}"),
        )
    table.add_section()


def _plain(space: Workspace, volume: Path) -> Run:
    folder = space.folder / "plain"
    folder.mkdir()
    lines = ["set -e", f"cd {shlex.quote(str(folder))}"]
    for name, text in PLAIN.items():
        (folder / name).write_text(text)
        lines.append(shlex.join([sys.executable, name, str(volume)]))
    (folder / "all.sh").write_text("\n".join(lines))
    spent = timed(["sh", str(folder / "all.sh")], os.environ)
    _check(folder)
    size = (folder / "segmentation.npz").stat().st_size
    shutil.rmtree(folder)
    return Run(spent, size)


def _job(space: Workspace, volume: Path, operators: Path, *flags: str) -> Run:
    """The job's upload is not counted: the scripts read the volume where it is."""
    environment = {**space.environment, "CLARA_OPERATOR_PATH": str(operators)}
    definition = space.folder / "definition" / DEFINITION.name  # away from the example's own operators
    definition.parent.mkdir(exist_ok=True)
    shutil.copy(DEFINITION, definition)
    pipeline = space.clara("create", "pipelines", "-p", str(definition)).split()[-1]
    made = space.clara("create", "jobs", "-n", "walkthrough", "-p", pipeline, "-f", str(volume)).split()
    spent = timed([str(CLARA), "start", "job", "-j", made[1], *flags], environment)
    folder = space.root / "payloads" / made[3]
    (npz,) = folder.rglob("segmentation.npz")
    (answer,) = folder.rglob("comparison.txt")
    _check(answer.parent)
    size = npz.stat().st_size
    shutil.rmtree(folder)
    return Run(spent, size)


def _check(folder: Path) -> None:
    if (folder / "comparison.txt").read_text() != "true":
        raise subprocess.CalledProcessError(1, "comparison of the arrays")
