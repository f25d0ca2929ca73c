"""A segmentation over its image: where its voxels lie in the image's slice, and which colour a label has. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from clara_cli.errors import VolumeError
from clara_cli.volumes.orientation import VIEWS, Plane
from clara_cli.volumes.volume import Volume

Array = np.ndarray[Any, Any]

# Colours of labels 1, 2, …, told apart by people with any colour vision (after Okabe and Ito), then again from the
# first. Bright enough to be seen over black and over white.
COLOURS = np.array(
    [
        (230, 159, 0),
        (86, 180, 233),
        (0, 158, 115),
        (240, 228, 66),
        (213, 94, 0),
        (204, 121, 167),
        (0, 114, 178),
        (148, 103, 189),
    ],
    np.uint8,
)
# Voxels by which a grid may lie beside the other's before it is called turned.
_ASIDE = 0.5


def labels(values: Array) -> Array:
    """Label numbers of a segmentation's values; 0 is nothing. Probabilities count as 1 from one half."""
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    whole = np.rint(values)
    if np.array_equal(whole, values):
        return np.asarray(np.abs(whole), np.int64)
    return np.asarray(values >= 0.5, np.int64)


def colour(label: int) -> tuple[int, int, int]:
    red, green, blue = COLOURS[(label - 1) % len(COLOURS)]
    return int(red), int(green), int(blue)


def blend(grey: Array, marked: Array, opacity: float) -> Array:
    """A grey picture as red, green and blue, with labels over it.

    Args:
        marked: a label number for each pixel.
        opacity: from 0 (the labels are not seen) to 1 (nothing is seen below them).
    """
    picture = np.repeat(grey[:, :, None], 3, axis=2).astype(np.float64)
    there = marked > 0
    tint = COLOURS[(marked[there] - 1) % len(COLOURS)].astype(np.float64)
    picture[there] = picture[there] * (1 - opacity) + tint * opacity
    return np.rint(picture).astype(np.uint8)


def laid_over(overlay: Volume, image: Volume) -> Volume:
    """The overlay as it lies on the image; an array that says nothing of that lies as the image does.

    Raises:
        VolumeError: the two do not fit together.
    """
    if overlay.orientation.affine is None and overlay.axes == image.axes:
        return replace(overlay, orientation=image.orientation)
    if overlay.orientation.affine is None or image.orientation.affine is None:
        raise VolumeError(
            f"{overlay.name} cannot be laid over {image.name}: one of them does not say how it lies, and their sizes "
            f"are {_sizes(overlay)} and {_sizes(image)}"
        )
    _steps(overlay, image)
    return overlay


def slice_over(overlay: Volume, image: Volume, plane: Plane, number: int, frame: int = 0) -> Array:
    """The labels that lie over a slice of the image, the nearest voxel for each pixel; 0 outside the overlay.

    Args:
        overlay: as `laid_over` gives it.
        number: of the image's slice.
        frame: of the overlay.
    """
    view = VIEWS[plane]
    steps = _steps(overlay, image)
    positions = [_positions(steps[axis], image.shape[axis]) for axis in range(3)]
    there = int(positions[view.across][number])
    width, height = image.shape[view.right], image.shape[view.down]
    marked = np.zeros((height, width), np.int64)
    if not 0 <= there < overlay.shape[view.across]:
        return marked
    values = labels(overlay.slice(plane, there, frame))
    right, down = positions[view.right], positions[view.down]
    if view.upwards:
        down = overlay.shape[view.down] - 1 - down[::-1]
    columns = (right >= 0) & (right < overlay.shape[view.right])
    rows = (down >= 0) & (down < overlay.shape[view.down])
    marked[np.ix_(rows, columns)] = values[np.ix_(down[rows], right[columns])]
    return marked


def label_over(overlay: Volume, image: Volume, place: tuple[int, int, int], frame: int = 0) -> int:
    """The label that lies over one voxel of the image; 0 outside the overlay."""
    steps = _steps(overlay, image)
    found = [int(_positions(step, size)[at]) for step, size, at in zip(steps, image.shape, place, strict=True)]
    if not all(0 <= at < size for at, size in zip(found, overlay.shape, strict=True)):
        return 0
    return int(labels(np.array(overlay.value(found[0], found[1], found[2], frame))))


def _steps(overlay: Volume, image: Volume) -> list[tuple[float, float]]:
    """For each of the patient's axes: overlay voxels in one image voxel, and where the image's first one lies."""
    over, under = overlay.orientation.affine, image.orientation.affine
    if over is None or under is None:
        return [(1.0, 0.0)] * 3
    between = np.linalg.inv(over) @ under
    aside = np.abs(between[:3, :3]) * (np.array(image.shape) - 1)
    if (aside[~np.eye(3, dtype=bool)] > _ASIDE).any():
        raise VolumeError(f"{overlay.name} cannot be laid over {image.name}: it lies turned to it")
    return [(float(between[axis, axis]), float(between[axis, 3])) for axis in range(3)]


def _positions(step: tuple[float, float], size: int) -> Array:
    # Halves go up, so that no voxel is met twice on two grids of one spacing.
    return np.asarray(np.floor(np.arange(size) * step[0] + step[1] + 0.5), np.int64)


def _sizes(volume: Volume) -> str:
    return " x ".join(map(str, volume.axes))
