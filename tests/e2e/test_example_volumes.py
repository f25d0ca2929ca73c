"""The example on real and on awkward volumes."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from support import EXAMPLE, Clara, Project, nibabel_volumes, save_volume, truncate

DEFINITION = EXAMPLE / "fastio-passthrough-dynamic-pipeline.yaml"


def compared(clara: Clara, files: Path, result: Path) -> str:
    job, _ = clara.run(DEFINITION, files)
    clara("download", f"{job}:/operators/*", result)
    with np.load(result / "fastio-to-npz" / "numpy_npz" / "segmentation.npz") as arrays:
        assert arrays["segmentation"].dtype == np.float32
        assert arrays["segmentation"].ndim == 4
    return (result / "compare-original-to-output" / "truth-val" / "comparison.txt").read_text()


def ramp(*shape: int) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype=np.int16).reshape(shape)


def test_nibabels_own_scan_as_nii_and_as_nii_gz(clara: Clara, tmp_path: Path) -> None:
    scan = nibabel_volumes() / "anatomical.nii"
    assert compared(clara, scan, tmp_path / "a") == "true"
    packed = tmp_path / "scan.nii.gz"
    packed.write_bytes(gzip.compress(scan.read_bytes()))
    assert compared(clara, packed, tmp_path / "b") == "true"


@pytest.mark.parametrize(
    ("shape", "stored"),
    [((5, 7), [1, 5, 7, 1]), ((4, 5, 6), [1, 4, 5, 6]), ((1, 1, 1), [1, 1, 1, 1])],
)
def test_ranks(clara: Clara, tmp_path: Path, shape: tuple[int, ...], stored: list[int]) -> None:
    volume = save_volume(tmp_path / "v.nii", ramp(*shape))
    assert compared(clara, volume, tmp_path / "r") == "true"
    with np.load(tmp_path / "r" / "fastio-to-npz" / "numpy_npz" / "segmentation.npz") as arrays:
        assert list(arrays["segmentation"].shape) == stored
        assert np.array_equal(arrays["segmentation"].reshape(shape), ramp(*shape))


def test_scaling_byte_order_and_not_a_number(clara: Clara, tmp_path: Path) -> None:
    scaled = save_volume(tmp_path / "scaled.nii.gz", ramp(4, 5, 6), slope=0.1, inter=-7.3)
    assert compared(clara, scaled, tmp_path / "1") == "true"
    with np.load(tmp_path / "1" / "fastio-to-npz" / "numpy_npz" / "segmentation.npz") as arrays:
        expected = (ramp(4, 5, 6) * 0.1 - 7.3).astype(np.float32)
        assert np.allclose(arrays["segmentation"][0], expected, atol=0.06)
        assert arrays["segmentation"].min() < -7
    big = save_volume(tmp_path / "big.nii", ramp(3, 4, 5).astype(">i2"), big=True)
    assert big.read_bytes()[:4] == (348).to_bytes(4, "big")
    assert compared(clara, big, tmp_path / "2") == "true"
    holes = np.linspace(0, 1, 60).reshape(3, 4, 5)
    holes[1, 2, 3], holes[0, 0, 0] = np.nan, np.inf
    assert compared(clara, save_volume(tmp_path / "nan.nii", holes), tmp_path / "3") == "true"


def test_of_two_volumes_the_first_by_name_is_taken(clara: Clara, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    save_volume(folder / "b.nii", ramp(2, 2, 2))
    save_volume(folder / "a.nii.gz", ramp(3, 3, 3))
    (folder / "0.txt").write_text("not a volume")
    assert compared(clara, folder, tmp_path / "r") == "true"
    with np.load(tmp_path / "r" / "fastio-to-npz" / "numpy_npz" / "segmentation.npz") as arrays:
        assert arrays["segmentation"].shape == (1, 3, 3, 3)


@pytest.fixture
def unusable(tmp_path: Path) -> dict[str, Path]:
    save_volume(tmp_path / "good.nii.gz", ramp(20, 20, 20))
    truncate(tmp_path / "good.nii.gz", tmp_path / "short.nii.gz")
    (tmp_path / "text.nii").write_text("this is no volume")
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing.nii").touch()
    return {
        "4-D": nibabel_volumes() / "example4d.nii.gz",
        "truncated": tmp_path / "short.nii.gz",
        "text": tmp_path / "text.nii",
        "empty folder": tmp_path / "empty",
        "empty file": tmp_path / "nothing.nii",
    }


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("4-D", "(128, 96, 24, 2)"),
        ("truncated", "short.nii.gz is damaged or cut off"),
        ("text", "text.nii is not a readable NIfTI file"),
        ("empty folder", "no NIfTI file"),
        ("empty file", "nothing.nii is not a readable NIfTI file"),
    ],
)
def test_what_the_example_refuses_and_says(clara: Clara, unusable: dict[str, Path], kind: str, told: str) -> None:
    job, started = clara.run(DEFINITION, unusable[kind], code=1)
    assert "operator nifti-to-fastio failed: exit code 1" in started.err
    assert told in started.err
    log = clara("logs", "-j", job, "-o", "nifti-to-fastio").out
    assert told in log and "Traceback" not in log
    described = clara("describe", "job", "-j", job).lines
    assert described[5] == "STATUS: JOB_STATUS_FAULTED"
    assert "JOB_OPERATOR_STATUS_PENDING" in described[15]


def changed_example(project: Project, operator: str, old: str, new: str) -> Path:
    shutil.copytree(EXAMPLE, project.folder, dirs_exist_ok=True)
    program = project.folder / operator / "main.py"
    text = program.read_text()
    assert old in text
    program.write_text(text.replace(old, new))
    return project.folder / DEFINITION.name


def test_an_altered_npz_gives_false(clara: Clara, project: Project, tmp_path: Path) -> None:
    alter = "altered = array.copy(); altered.flat[0] += 1\n        clara.io.write_npz(target, segmentation=altered)"
    definition = changed_example(project, "fastio-to-npz", "clara.io.write_npz(target, segmentation=array)", alter)
    job, _ = clara.run(definition, nibabel_volumes() / "anatomical.nii")
    clara("download", f"{job}:/operators/compare-input-to-npz/*", tmp_path / "r")
    assert (tmp_path / "r" / "truth-val" / "comparison.txt").read_bytes() == b"false"


def test_a_shape_that_differs_from_the_announced_one_fails(clara: Clara, project: Project) -> None:
    definition = changed_example(
        project, "fastio-to-npz", 'segmentation_shape"].array.tolist()', 'segmentation_shape"].array.tolist()[::-1]'
    )
    _, started = clara.run(definition, nibabel_volumes() / "anatomical.nii", code=1)
    assert "operator fastio-to-npz failed: exit code 1" in started.err
    assert "[1, 33, 41, 25]" in started.err and "[25, 41, 33, 1]" in started.err
