"""What numpy makes of a slice, for comparing it with a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from clara_cli.volumes.orientation import Plane

Array = np.ndarray[Any, Any]


def expected(ras: Array, plane: Plane, number: int) -> Array:
    """A slice of an array whose axes run right, front and up, as a radiologist looks at it."""
    if plane is Plane.AXIAL:
        return ras[::-1, ::-1, number].T
    if plane is Plane.CORONAL:
        return ras[::-1, ::-1, :][:, number, ::-1].T
    return ras[::-1][number, ::-1, ::-1].T


def as_grey(values: Array, width: float, level: float) -> Array:
    """What a window makes of values."""
    return np.rint(np.clip((values - (level - width / 2)) * 255.0 / width, 0, 255)).astype(np.uint8)


def as_marked(grey: Array, labels: Array, opacity: float) -> Array:
    """Grey with the first two labels' colours over it."""
    colours = {1: (230, 159, 0), 2: (86, 180, 233)}
    picture = np.repeat(grey[:, :, None], 3, axis=2).astype(float)
    for label, colour in colours.items():
        picture[labels == label] = picture[labels == label] * (1 - opacity) + np.array(colour) * opacity
    return np.rint(picture).astype(np.uint8)
