"""How the axes of a volume lie in the patient, and the three planes that are shown of it. Pure.

Pictures follow the radiologist's convention: the patient's right is at the left of axial and coronal pictures,
anterior is at the top of axial ones and at the left of sagittal ones, superior is at the top of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from clara_cli.errors import VolumeError

Array = np.ndarray[Any, Any]


class Plane(str, Enum):
    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


@dataclass(frozen=True)
class View:
    """How one plane is laid out, in the patient's axes 0 = to the left, 1 = to the back, 2 = upwards.

    Attributes:
        across: the axis along which slices are counted.
        right: the axis that runs to the right in the picture.
        down: the axis that runs down in the picture, `upwards` when it runs up.
        letters: of the picture's left, right, top and bottom edge.
    """

    across: int
    right: int
    down: int
    upwards: bool
    letters: str


VIEWS = {
    Plane.AXIAL: View(2, 0, 1, False, "RLAP"),
    Plane.CORONAL: View(1, 0, 2, True, "RLSI"),
    Plane.SAGITTAL: View(0, 1, 2, True, "APSI"),
}


@dataclass(frozen=True)
class Orientation:
    """Which axis of a volume runs along each of the patient's axes.

    Attributes:
        axes: the volume's axis along each of the patient's three.
        flipped: whether it runs the other way.
        spacing: millimetres from voxel to voxel along the patient's axes.
        affine: from positions along the patient's axes (in voxels) to millimetres to the right, the front and
            upwards; None where it is not known how the volume lies.
        oblique: the greatest angle between an axis of the volume and one of the patient's, in degrees.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    affine: Array | None = None
    oblique: float = 0.0

    def shape(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Sizes along the patient's axes of a volume with these sizes."""
        left, back, up = (shape[axis] for axis in self.axes)
        return left, back, up


# Arrays say nothing of how they lie. What the two libraries in use make of a file in standard position:
UNKNOWN = {
    "zyx": Orientation((0, 1, 2), (False, False, False)),
    "xyz": Orientation((0, 1, 2), (True, True, False)),
}


def from_affine(affine: Array, shape: tuple[int, int, int], name: str) -> Orientation:
    """The orientation of a volume, given the affine from its voxels to millimetres right, front and up (RAS).

    Raises:
        VolumeError: the affine leads nowhere.
    """
    import nibabel as nib

    geometry: Any = nib.affines
    orientations: Any = nib.orientations
    matrix = np.asarray(affine, float)
    sizes = geometry.voxel_sizes(matrix) if matrix.shape == (4, 4) else np.zeros(3)
    usable = bool(np.isfinite(matrix).all() and np.isfinite(sizes).all() and sizes.min() > 0)
    if not usable or abs(np.linalg.det(matrix[:3, :3] / sizes)) < 1e-6:
        raise VolumeError(f"{name} does not say how it lies in space: its affine cannot be inverted")
    axes, flipped = [0, 0, 0], [False, False, False]
    for axis, (world, direction) in enumerate(orientations.io_orientation(matrix)):
        towards = int(world)
        axes[towards] = axis
        # The patient's axes here run left and back where those of the affine run right and to the front.
        flipped[towards] = (direction > 0) if towards < 2 else (direction < 0)
    placed = _placed(matrix, axes, flipped, shape)
    return Orientation(
        (axes[0], axes[1], axes[2]),
        (flipped[0], flipped[1], flipped[2]),
        (float(sizes[axes[0]]), float(sizes[axes[1]]), float(sizes[axes[2]])),
        placed,
        float(np.degrees(np.max(geometry.obliquity(matrix)))),
    )


def _placed(matrix: Array, axes: list[int], flipped: list[bool], shape: tuple[int, int, int]) -> Array:
    """The affine of the volume once its axes are the patient's."""
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    for towards, (axis, flip) in enumerate(zip(axes, flipped, strict=True)):
        turn[axis, towards] = -1 if flip else 1
        turn[axis, 3] = shape[axis] - 1 if flip else 0
    return np.asarray(matrix @ turn)
