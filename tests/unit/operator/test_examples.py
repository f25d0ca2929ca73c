"""The operators of the FastIO passthrough pipeline, each run alone as a real process."""

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "fastio-passthrough"


def program(name):
    return EXAMPLE / name / "main.py"


def save(path, values, slope=None, inter=None):
    image = nibabel.Nifti1Image(values, np.eye(4))
    image.header.set_slope_inter(slope, inter)
    nibabel.save(image, path)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    return path


@pytest.fixture
def to_fastio(runner, folder):
    runner.add_folder("inputs", "", folder)
    runner.add_output("segmentation", "float32", [1, -1, -1, -1])
    runner.add_output("segmentation_shape", "int32", [4])
    return lambda: runner.run(program("nifti-to-fastio"))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ"])
@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 3)])
@pytest.mark.parametrize(
    ("dtype", "slope", "inter"), [("int16", 0.1, -3.7), ("uint8", None, None), (">f8", None, None)]
)
def test_reads_scaled_volumes(runner, to_fastio, folder, name, shape, dtype, slope, inter):
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    save(folder / name, values, slope, inter)
    (folder / "notes.txt").write_text("not a volume")
    result = to_fastio()
    assert result.code == 0, result.err
    stored = nibabel.load(folder / name).get_fdata(dtype=np.float64)
    expected = np.atleast_3d(stored).astype(np.float32)[np.newaxis]
    np.testing.assert_array_equal(runner.array(0), expected)
    assert runner.array(1).tolist() == list(expected.shape)


def write_cut_off(folder):
    save(folder / "full.nii.gz", np.random.default_rng(1).random((20, 20, 20)))
    data = (folder / "full.nii.gz").read_bytes()
    (folder / "full.nii.gz").unlink()
    (folder / "a.nii.gz").write_bytes(data[: len(data) // 2])


def write_rgb(folder):
    rgb = np.zeros((2, 2, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    save(folder / "a.nii", rgb)


BAD_INPUTS = {
    "no NIfTI file": lambda folder: None,
    "not a readable NIfTI file": lambda folder: (folder / "a.nii").write_text("some words"),
    "a.nii is not a readable": lambda folder: (folder / "a.nii").write_bytes(b""),
    "a.nii.gz is not a readable": lambda folder: (folder / "a.nii.gz").write_bytes(gzip.compress(b"no header")),
    "damaged or cut off": write_cut_off,
    "complex64": lambda folder: save(folder / "a.nii", np.zeros((2, 2, 2), "complex64")),
    "only real numbers": write_rgb,
    "(2, 2, 2, 2)": lambda folder: save(folder / "a.nii", np.zeros((2, 2, 2, 2), "int16")),
    "(7,)": lambda folder: save(folder / "a.nii", np.zeros(7, "int16")),
    "No such file": lambda folder: folder.rmdir(),
}


@pytest.mark.parametrize("message", BAD_INPUTS)
def test_says_in_one_line_what_is_wrong(to_fastio, folder, message):
    BAD_INPUTS[message](folder)
    result = to_fastio()
    own = [line for line in result.err.splitlines() if not line.startswith("[driver]")]
    assert result.code == 1 and len(own) == 1, result.err
    assert own[0].startswith("nifti-to-fastio: ") and message in own[0]


@pytest.mark.parametrize(("announced", "code"), [([1, 2, 3, 4], 0), ([1, 2, 4, 3], 1)])
def test_writes_npz_if_the_shape_is_as_announced(runner, tmp_path, announced, code):
    values = np.arange(24, dtype="float32").reshape(1, 2, 3, 4)
    runner.add_input("segmentation", values, [1, -1, -1, -1])
    runner.add_input("segmentation_shape", np.array(announced, "int32"))
    runner.add_folder("outputs", "numpy_npz", tmp_path)
    result = runner.run(program("fastio-to-npz"))
    assert result.code == code, result.err
    if code == 0:
        np.testing.assert_array_equal(np.load(tmp_path / "segmentation.npz")["segmentation"], values)
    else:
        assert "segmentation_shape says [1, 2, 4, 3]" in result.err
        assert not list(tmp_path.glob("*.npz"))


@pytest.fixture
def compare(runner, folder, tmp_path):
    for side, name in (("inputs", ""), ("inputs", "numpy_npz"), ("outputs", "truth-val")):
        path = folder if name == "" else tmp_path / name
        path.mkdir(exist_ok=True)
        runner.add_folder(side, name, path)

    def run(array):
        if array is not None:
            np.savez_compressed(tmp_path / "numpy_npz" / "any.npz", segmentation=array)
        result = runner.run(program("compare-input-to-npz"))
        answer = tmp_path / "truth-val" / "comparison.txt"
        return result, answer.read_text() if answer.exists() else None

    return run


ORIGINAL = np.array([[[0.5, np.nan], [3, -1e-40]]])
CHANGES = {
    "the same": (lambda a: a, "true"),
    "one value": (lambda a: np.nextafter(a, np.float32(9)), "false"),
    "no NaN": (np.nan_to_num, "false"),
    "shape": (lambda a: a.reshape(1, 1, 4, 1), "false"),
    "dtype": (lambda a: a.astype("float64"), "false"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_comparison(compare, folder, change):
    alter, expected = CHANGES[change]
    save(folder / "a.nii.gz", ORIGINAL)
    result, answer = compare(alter(ORIGINAL.astype("float32")[np.newaxis]))
    assert (result.code, answer) == (0, expected), result.err


@pytest.mark.parametrize("missing", ["nifti", "npz"])
def test_comparison_needs_both(compare, folder, missing):
    if missing == "npz":
        save(folder / "a.nii.gz", ORIGINAL)
    result, answer = compare(None if missing == "npz" else ORIGINAL)
    assert result.code == 1 and answer is None
    assert result.err.startswith("compare-input-to-npz: ") and "Traceback" not in result.err
