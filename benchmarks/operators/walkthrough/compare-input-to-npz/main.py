"""Reads the original NIfTI volume again and compares it with the npz that came out of shared memory.

Writes `true` or `false` to `comparison.txt`. Equal means: same shape [1, x, y, z], same float32 bits up to the
sign of zero, NaN where the other has NaN.
"""

import sys
import zipfile
import zlib
from pathlib import Path

import clara
import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

SUFFIXES = (".nii", ".nii.gz")
UNREADABLE = (ImageFileError, HeaderDataError, WrapStructError, OSError, EOFError, ValueError, zlib.error)


class UserError(Exception):
    """An input that cannot be compared."""


def read_original(folder):
    """The first NIfTI file of the folder, scaled in float64, as float32 of shape [1, x, y, z]."""
    names = sorted(path.name for path in Path(folder).iterdir() if path.is_file())
    volumes = [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
    if not volumes:
        raise UserError(f"no NIfTI file (.nii or .nii.gz) in {folder}")
    try:
        scaled = nibabel.load(Path(folder) / volumes[0]).get_fdata(dtype=np.float64)
    except UNREADABLE as error:
        raise UserError(f"{volumes[0]} cannot be read: {' '.join(str(error).split())}") from error
    if scaled.ndim not in (2, 3):
        raise UserError(f"{volumes[0]} has the shape {scaled.shape}; a 2-D image or a 3-D volume is needed")
    with np.errstate(over="ignore"):
        return np.atleast_3d(scaled).astype(np.float32)[np.newaxis]


def read_result(folder):
    """The array `segmentation` of the only npz file in the folder."""
    files = sorted(Path(folder).glob("*.npz"))
    if len(files) != 1:
        raise UserError(f"one .npz file is needed in {folder}, found {len(files)}")
    try:
        with np.load(files[0], allow_pickle=False) as arrays:
            return arrays["segmentation"]
    except (*UNREADABLE, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{files[0].name} cannot be read: {' '.join(str(error).split())}") from error


def equal(original, result):
    same_kind = original.shape == result.shape and original.dtype == result.dtype
    return bool(same_kind and np.array_equal(original, result, equal_nan=True))


def execute(driver, payload):
    try:
        original = read_original(payload.input_entries[0].path)
        result = read_result(payload.input_entries["numpy_npz"].path)
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
