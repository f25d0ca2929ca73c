"""A volume that can be shown: its numbers, how it lies, and a slice of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from clara_cli.errors import VolumeError
from clara_cli.volumes.orientation import VIEWS, Orientation, Plane
from clara_cli.volumes.voxels import MAX_DIMENSIONS, Array, Voxels
from clara_cli.volumes.window import Window

# Of one slice.
MAX_PIXELS = 1 << 26


@dataclass(frozen=True)
class Volume:
    """Three axes of a file or variable, and perhaps several frames.

    Attributes:
        name: for messages and titles.
        spatial: which dimensions of the voxels are the volume's axes; all others together count its frames.
        slope: what a stored number is multiplied with to give a value, before `intercept` is added.
        suggested: the window that the file itself asks for.
        inverted: great values are dark, as on film (MONOCHROME1).
        unit: of the values, such as `HU`; empty where it is not known.
    """

    name: str
    voxels: Voxels
    spatial: tuple[int, int, int]
    orientation: Orientation
    slope: float = 1.0
    intercept: float = 0.0
    suggested: Window | None = None
    unit: str = ""
    inverted: bool = False

    @property
    def axes(self) -> tuple[int, int, int]:
        """Sizes along the volume's own three axes."""
        first, second, third = (self.voxels.dims[dim] for dim in self.spatial)
        return first, second, third

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sizes along the patient's axes: to the left, to the back, upwards."""
        return self.orientation.shape(self.axes)

    @property
    def frames(self) -> int:
        return prod(size for dim, size in enumerate(self.voxels.dims) if dim not in self.spatial)

    @property
    def cheapest(self) -> Plane:
        """The plane whose slices lie in one piece, or nearly so."""
        return max(Plane, key=lambda plane: self.spatial[self.orientation.axes[VIEWS[plane].across]])

    def slices(self, plane: Plane) -> int:
        """How many slices there are of a plane."""
        return self.shape[VIEWS[plane].across]

    def pixel_size(self, plane: Plane) -> tuple[float, float]:
        """Width and height of a pixel in millimetres (in voxels where the spacing is not known)."""
        view = VIEWS[plane]
        return self.orientation.spacing[view.right], self.orientation.spacing[view.down]

    def slice(self, plane: Plane, number: int, frame: int = 0) -> Array:
        """The values of one slice, as rows of the picture.

        Args:
            number: from the right, the front or below, counted from 0.

        Raises:
            VolumeError: there is no such slice or frame, or the file cannot be read.
        """
        view, orientation = VIEWS[plane], self.orientation
        count = self.slices(plane)
        if not 0 <= number < count:
            raise VolumeError(f"{self.name} has {plane.value} slices 0 to {count - 1}, no {number}")
        index = self._frame(frame)
        across = self.spatial[orientation.axes[view.across]]
        index[across] = count - 1 - number if orientation.flipped[view.across] else number
        right, down = (self.spatial[orientation.axes[axis]] for axis in (view.right, view.down))
        width, height = self.voxels.dims[right], self.voxels.dims[down]
        if width * height > MAX_PIXELS:
            raise VolumeError(f"{self.name} is too large to be shown: its slices have {width:,} x {height:,} pixels")
        values = self.voxels.take(index)
        rows = values if down < right else values.T
        if orientation.flipped[view.right]:
            rows = rows[:, ::-1]
        if orientation.flipped[view.down] != view.upwards:
            rows = rows[::-1]
        return self._values(rows)

    def value(self, left: int, back: int, up: int, frame: int = 0) -> float:
        """The value of one voxel, by its place along the patient's axes.

        Raises:
            VolumeError: there is no such voxel or frame, or the file cannot be read.
        """
        index = self._frame(frame)
        for place, size, axis, flipped in zip(
            (left, back, up), self.shape, self.orientation.axes, self.orientation.flipped, strict=True
        ):
            if not 0 <= place < size:
                raise VolumeError(f"{self.name} has no voxel {left}, {back}, {up}")
            index[self.spatial[axis]] = size - 1 - place if flipped else place
        return float(self._values(self.voxels.take(index)))

    def check_frame(self, frame: int) -> None:
        """Raise VolumeError unless there is such a frame."""
        if not 0 <= frame < self.frames:
            raise VolumeError(f"{self.name} has frames 0 to {self.frames - 1}, no {frame}")

    def _frame(self, frame: int) -> list[int | None]:
        """Where a frame lies: a position for every dimension that is not spatial."""
        self.check_frame(frame)
        index: list[int | None] = [None] * len(self.voxels.dims)
        for dim, size in enumerate(self.voxels.dims):
            if dim not in self.spatial:
                frame, index[dim] = divmod(frame, size)
        return index

    def _values(self, stored: Array) -> Array:
        if stored.dtype.names:  # colours: how bright they are
            stored = np.mean([stored[name] for name in stored.dtype.names[:3]], axis=0)
        elif stored.dtype.kind == "c":
            stored = np.abs(stored)
        elif stored.dtype.kind == "b":
            stored = stored.astype(np.uint8)
        if (self.slope, self.intercept) == (1.0, 0.0):
            return stored
        return stored * self.slope + self.intercept


def check_dims(dims: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    """Raise VolumeError for numbers that make no picture."""
    if dtype.kind not in "buifc" and not dtype.names:
        raise VolumeError(f"{name} holds {dtype}, no numbers")
    if not 2 <= len(dims) <= MAX_DIMENSIONS:
        raise VolumeError(f"{name} has {len(dims)} dimensions; a volume has 2 to {MAX_DIMENSIONS}")
    if prod(dims) == 0:
        raise VolumeError(f"{name} is empty: its shape is {' x '.join(map(str, dims))}")
