"""The cycle of the published `combined_example`, written anew, on real data: a DICOM series and a NIfTI volume."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from platform_support import CLIENTS, Server
from support import nibabel_volumes

SERIES = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests" / "98892003" / "MR700"

DICOM_READER = """\
import os
from pathlib import Path
import nibabel
import numpy as np
import pydicom

source, target = (Path(os.environ[f"NVIDIA_CLARA_{side}PATHS"].split(":", 1)[1]) for side in ("INPUT", "OUTPUT"))
slices = [pydicom.dcmread(path) for path in sorted(source.iterdir())]
slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
volume = np.stack([one.pixel_array for one in slices], axis=-1).astype(np.int16)
nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), target / f"{slices[0].SeriesNumber}.nii")
print(f"{len(slices)} slices of {slices[0].Modality} read")
"""
STATISTICS = """\
import os
from pathlib import Path
import nibabel
import numpy as np

source, target = (Path(os.environ[f"NVIDIA_CLARA_{side}PATHS"].split(":", 1)[1]) for side in ("INPUT", "OUTPUT"))
for path in sorted(source.glob("*.nii*")):
    volume = np.asarray(nibabel.load(path).dataobj)
    (target / f"{path.name}.txt").write_text(f"{volume.shape} {volume.sum()}")
    print("statistics of", path.name)
"""
READER = """\
api-version: 0.4.0
orchestrator: Clara
name: dicom-statistics-pipeline
operators:
- name: dicom-reader
  container: {image: clara/dicom-reader}
  input: [{path: /input}]
  output: [{path: /output}]
- name: statistics
  container: {image: clara/statistics}
  input: [{from: dicom-reader, path: /input}]
  output: [{path: /output}]
"""
VOLUME = """\
api-version: 0.4.0
orchestrator: Clara
name: volume-statistics-pipeline
operators:
- name: statistics
  container: {image: clara/statistics}
  input: [{path: /input}]
  output: [{path: /output}]
"""


@pytest.fixture(scope="module")
def operators(server: Server) -> None:
    server.program("dicom-reader", DICOM_READER)
    server.program("statistics", STATISTICS)


def run(
    server: Server, real_client: Path, folder: Path, definition: str, source: Path, operator: str
) -> tuple[Path, str]:
    """The folder with the results, and the log of an operator."""
    results = folder / "results"
    results.mkdir()
    path = folder / "pipeline.yaml"
    path.write_text(definition)
    command = [real_client, CLIENTS / "combined_example.py", str(server.port), path, source, results, operator]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{server.log()}"
    return results, done.stdout


@pytest.mark.usefixtures("operators")
def test_a_dicom_series_becomes_a_volume_and_its_statistics(server: Server, real_client: Path, tmp_path: Path) -> None:
    source = tmp_path / "series"
    shutil.copytree(SERIES, source)
    slices = [pydicom.dcmread(path) for path in source.iterdir()]
    assert len(slices) > 1
    results, log = run(server, real_client, tmp_path, READER, source, "dicom-reader")
    assert log == f"{len(slices)} slices of MR read"
    (volume,) = results.glob("*.nii")
    total = sum(int(one.pixel_array.sum()) for one in slices)
    stored = np.asarray(nibabel.load(volume).dataobj)
    assert stored.shape == (*slices[0].pixel_array.shape, len(slices)) and stored.sum(dtype=np.int64) == total
    assert (results / f"{volume.name}.txt").read_text() == f"{stored.shape} {total}"


@pytest.mark.usefixtures("operators")
def test_a_volume_goes_in_and_its_statistics_come_out(server: Server, real_client: Path, tmp_path: Path) -> None:
    source = tmp_path / "volumes"
    source.mkdir()
    original = nibabel_volumes() / "example_nifti2.nii.gz"
    shutil.copy(original, source)
    results, log = run(server, real_client, tmp_path, VOLUME, source, "statistics")
    volume = np.asarray(nibabel.load(original).dataobj)
    assert (results / "example_nifti2.nii.gz.txt").read_text() == f"{volume.shape} {volume.sum()}"
    assert log == "statistics of example_nifti2.nii.gz"
