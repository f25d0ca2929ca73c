"""A slice of a large volume, in each plane, beside what nibabel takes for it: time and memory."""

from __future__ import annotations

import functools
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from rich.table import Table
from timing import Spread, interleaved, ratio
from workspace import Workspace

from clara_cli.volumes.orientation import Plane
from clara_cli.volumes.picture import draw, png
from clara_cli.volumes.reading import Asked, open_volume
from clara_cli.volumes.volume import Volume
from clara_cli.volumes.window import Window

SHAPE = (512, 512, 400)
AXIS = {Plane.AXIAL: 2, Plane.CORONAL: 1, Plane.SAGITTAL: 0}


def measure(runs: int) -> list[Table]:
    """Slices of an uncompressed file, read and as a picture."""
    with Workspace() as space:
        path = space.folder / "ct.nii"
        # Something like tissue: slow changes and noise.
        data = np.random.default_rng(1).integers(-20, 20, SHAPE, np.int16)
        data += (np.indices(SHAPE, np.int16, sparse=True)[0] * 2 - 500).astype(np.int16)
        nib.save(nib.Nifti1Image(data, np.eye(4)), path)
        del data
        volume, image = open_volume(Asked(path, str(space.folder.resolve()))), nib.load(path)
        cases: dict[tuple[Plane, str], functools.partial[float]] = {}
        for plane in Plane:
            cases[plane, "nibabel"] = functools.partial(_nibabel, image, AXIS[plane])
            cases[plane, "clara"] = functools.partial(_clara, volume, plane)
            cases[plane, "picture"] = functools.partial(_picture, volume, plane)
        results = interleaved(cases, runs)
        memory = {who: _memory(who, path) for who in ("nothing", "nibabel", "clara")}
    return [_times(results), _peaks(memory)]


def _times(results: dict[tuple[Plane, str], list[float]]) -> Table:
    size = " x ".join(map(str, SHAPE))
    table = Table(title=f"slices: one slice of {size} int16, ms, median (least - greatest)")
    for column in ("plane", "nibabel", "clara", "as a PNG", "times nibabel"):
        table.add_column(column)
    for plane in Plane:
        series = [results[plane, who] for who in ("nibabel", "clara", "picture")]
        times = [Spread.of(item).milliseconds() for item in series]
        table.add_row(plane.value, *times, f"{ratio(series[1], series[0]):.2f}")
    return table


def _peaks(memory: dict[str, int]) -> Table:
    table = Table(title="slices: greatest memory of a process that reads one slice of each plane, MiB")
    for column in ("with", "memory"):
        table.add_column(column)
    for who, peak in memory.items():
        table.add_row(who, f"{peak / (1 << 20):.0f}")
    return table


def _nibabel(image: Any, axis: int) -> float:
    began = time.perf_counter()
    index = tuple(100 if other == axis else slice(None) for other in range(3))
    np.asarray(image.dataobj[index])
    return time.perf_counter() - began


def _clara(volume: Volume, plane: Plane) -> float:
    began = time.perf_counter()
    volume.slice(plane, 100)
    return time.perf_counter() - began


def _picture(volume: Volume, plane: Plane) -> float:
    began = time.perf_counter()
    png(draw(volume, plane, 100, Window(400, 40)))
    return time.perf_counter() - began


def _memory(who: str, path: Path) -> int:
    done = subprocess.run([sys.executable, __file__, who, path], capture_output=True, text=True, check=True)
    return int(done.stdout)


def _alone(who: str, path: Path) -> None:
    volume, image = open_volume(Asked(path, str(path.parent.resolve()))), nib.load(path)
    for plane in Plane:
        if who == "nibabel":
            _nibabel(image, AXIS[plane])
        elif who == "clara":
            _clara(volume, plane)
    # Not ru_maxrss, which a process takes over from the one that started it.
    lines = Path("/proc/self/status").read_text().splitlines()
    print(next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")))


if __name__ == "__main__":
    _alone(sys.argv[1], Path(sys.argv[2]))
