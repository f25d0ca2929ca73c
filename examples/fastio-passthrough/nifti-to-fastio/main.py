"""Reads a NIfTI volume into the FastIO variable `segmentation` (float32, [1, x, y, z]).

The variable `segmentation_shape` (int32, [4]) says which shape was written, so that a later operator can check it.
"""

import sys
from pathlib import Path

import clara
import numpy as np

SUFFIXES = (".nii", ".nii.gz")


class UserError(Exception):
    """Something about the input that its owner can understand and mend."""


def find_volume(folder):
    """First NIfTI file of a folder by name; hidden files do not count."""
    files = sorted(path for path in Path(folder).iterdir() if path.is_file())
    for path in files:
        if path.name.lower().endswith(SUFFIXES) and not path.name.startswith("."):
            return path
    raise UserError(f"no NIfTI file (.nii or .nii.gz) in {folder}")


def open_volume(path):
    """The volume, checked to be real-valued with two or three dimensions; voxels are not read yet."""
    volume = clara.io.open_nifti(path)
    if volume.dtype.kind not in "iuf":
        raise UserError(f"{path.name} holds {volume.dtype} voxels; only real numbers can become float32")
    if len(volume.shape) not in (2, 3) or 0 in volume.shape:
        raise UserError(f"{path.name} has the shape {volume.shape}; a 2-D image or a 3-D volume is needed")
    return volume


def convert(payload):
    path = find_volume(payload.input_entries[0].path)
    volume = open_volume(path)
    shape = [1, *volume.shape, *[1] * (3 - len(volume.shape))]

    segmentation = payload.fastio_output_entries["segmentation"]
    if segmentation.dynamic_indices != [1, 2, 3]:
        raise UserError(f"segmentation must be declared [1, -1, -1, -1], not {segmentation.shape}")
    segmentation.update_shape(shape)
    # The voxels are unpacked, scaled and put in place piece by piece: there is no second copy of the volume.
    volume.read(segmentation.array.reshape(volume.shape))
    payload.fastio_output_entries["segmentation_shape"].array = np.asarray(shape, dtype=np.int32)
    print(f"{path.name}: {shape} written to segmentation")


def execute(driver, payload):
    try:
        convert(payload)
    except (UserError, clara.Error, OSError) as error:
        print(f"nifti-to-fastio: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    driver = clara.Driver(execute_handler=execute)
    driver.start()
    driver.wait_for_completion()
