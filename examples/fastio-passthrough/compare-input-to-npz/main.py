"""Reads the original NIfTI volume again and compares it with the npz that came out of shared memory.

Writes `true` or `false` to `comparison.txt`. Equal means: same shape [1, x, y, z], same float32 bits up to the
sign of zero, NaN where the other has NaN.
"""

import sys
from pathlib import Path

import clara
import numpy as np

SUFFIXES = (".nii", ".nii.gz")


class UserError(Exception):
    """An input that cannot be compared."""


def open_original(folder):
    """The first NIfTI file of the folder; voxels are not read yet."""
    names = sorted(path.name for path in Path(folder).iterdir() if path.is_file())
    volumes = [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
    if not volumes:
        raise UserError(f"no NIfTI file (.nii or .nii.gz) in {folder}")
    volume = clara.io.open_nifti(Path(folder) / volumes[0])
    if len(volume.shape) not in (2, 3):
        raise UserError(f"{volumes[0]} has the shape {volume.shape}; a 2-D image or a 3-D volume is needed")
    return volume


def open_result(folder):
    """The array `segmentation` of the only npz file in the folder; its elements are not read yet."""
    files = sorted(Path(folder).glob("*.npz"))
    if len(files) != 1:
        raise UserError(f"one .npz file is needed in {folder}, found {len(files)}")
    arrays = clara.io.open_npz(files[0])
    if "segmentation" not in arrays:
        raise UserError(f"{files[0].name} has no array segmentation")
    return arrays["segmentation"]


def equal(volume, result):
    if result.shape != (1, *volume.shape, *[1] * (3 - len(volume.shape))) or result.dtype != np.float32:
        return False
    # In the order of the result: arrays of different memory order take many times as long to compare.
    order = "F" if result.fortran_order else "C"
    # Voxels are scaled in float64 and then stored as float32.
    original = volume.read(np.empty(volume.shape, np.float32, order)).reshape(-1, order=order)
    for start, piece in result.pieces():
        expected = original[start : start + len(piece)]
        # Most volumes have no NaN, which only the second, slower look takes for equal.
        if not (np.array_equal(expected, piece) or np.array_equal(expected, piece, equal_nan=True)):
            return False
    return True


def execute(driver, payload):
    try:
        original = open_original(payload.input_entries[0].path)
        result = open_result(payload.input_entries["numpy_npz"].path)
        answer = "true" if equal(original, result) else "false"
        (Path(payload.output_entries[0].path) / "comparison.txt").write_text(answer)
    except (UserError, clara.Error, OSError) as error:
        print(f"compare-input-to-npz: {error}", file=sys.stderr)
        return False
    print(f"original {list(original.shape)}, npz {list(result.shape)}: equal is {answer}")
    return True


if __name__ == "__main__":
    driver = clara.Driver(execute_handler=execute)
    driver.start()
    driver.wait_for_completion()
