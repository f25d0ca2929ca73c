"""Reads a NIfTI volume into the FastIO variable `segmentation` (float32, [1, x, y, z]).

The variable `segmentation_shape` (int32, [4]) says which shape was written, so that a later operator can check it.
"""

import sys
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
    """Something about the input that its owner can understand and mend."""


def find_volume(folder):
    """First NIfTI file of a folder by name; hidden files do not count."""
    files = sorted(path for path in Path(folder).iterdir() if path.is_file())
    for path in files:
        if path.name.lower().endswith(SUFFIXES) and not path.name.startswith("."):
            return path
    raise UserError(f"no NIfTI file (.nii or .nii.gz) in {folder}")


def open_volume(path):
    """The image, checked to be a real-valued volume of two or three dimensions; voxels are not read yet."""
    try:
        # one open file for all slices: a compressed one is then unpacked only once
        image = nibabel.load(path, keep_file_open=True)
    except UNREADABLE as error:
        raise UserError(f"{path.name} is not a readable NIfTI file: {one_line(error)}") from error
    if not isinstance(image, nibabel.Nifti1Image):
        raise UserError(f"{path.name} is not a NIfTI volume but a {type(image).__name__}")
    dtype = image.get_data_dtype()
    if dtype.kind not in "iuf":
        raise UserError(f"{path.name} holds {dtype} voxels; only real numbers can become float32")
    if len(image.shape) not in (2, 3) or 0 in image.shape:
        raise UserError(f"{path.name} has the shape {image.shape}; a 2-D image or a 3-D volume is needed")
    return image


def fill(volume, image, name):
    """Copy the scaled voxels, slice by slice, so that only one slice exists in float64.

    volume : float32 array, [x, y, z]
    """
    try:
        for index in range(volume.shape[2]):
            voxels = image.dataobj[..., index] if len(image.shape) == 3 else image.dataobj
            with np.errstate(over="ignore"):
                volume[:, :, index] = np.asarray(voxels, dtype=np.float64)
    except UNREADABLE as error:
        raise UserError(f"{name} is damaged or cut off: {one_line(error)}") from error


def one_line(error):
    return " ".join(str(error).split()) or type(error).__name__


def convert(payload):
    path = find_volume(payload.input_entries[0].path)
    image = open_volume(path)
    shape = [1, *image.shape, *[1] * (3 - len(image.shape))]

    segmentation = payload.fastio_output_entries["segmentation"]
    if segmentation.dynamic_indices != [1, 2, 3]:
        raise UserError(f"segmentation must be declared [1, -1, -1, -1], not {segmentation.shape}")
    segmentation.update_shape(shape)
    fill(segmentation.array[0], image, path.name)
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
