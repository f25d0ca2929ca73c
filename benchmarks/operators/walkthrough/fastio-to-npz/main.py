"""Writes the FastIO variable `segmentation` into `segmentation.npz`, under the key `segmentation`."""

import sys
from pathlib import Path

import clara
import numpy as np


class UserError(Exception):
    """Inputs that do not belong together."""


def checked_array(payload):
    """The array, if its shape is the one that `segmentation_shape` announces."""
    array = payload.fastio_input_entries["segmentation"].array
    announced = payload.fastio_input_entries["segmentation_shape"].array.tolist()
    if list(array.shape) != announced:
        raise UserError(f"segmentation has the shape {list(array.shape)}, but segmentation_shape says {announced}")
    return array


def execute(driver, payload):
    try:
        array = checked_array(payload)
        target = Path(payload.output_entries[0].path) / "segmentation.npz"
        np.savez_compressed(target, segmentation=array)
    except (UserError, clara.Error, OSError) as error:
        print(f"fastio-to-npz: {error}", file=sys.stderr)
        return False
    print(f"{target.name}: {list(array.shape)} {array.dtype} written")
    return True


if __name__ == "__main__":
    driver = clara.Driver(execute_handler=execute)
    driver.start()
    driver.wait_for_completion()
