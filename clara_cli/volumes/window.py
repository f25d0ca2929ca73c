"""Window and level: which values are shown from black to white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from clara_cli.volumes.volume import Volume

Array = np.ndarray[Any, Any]

# Percentiles of the values that are shown as black and white when nobody says otherwise.
_DARK, _BRIGHT = 1.0, 99.0
_SLICES = 9
_PIXELS = 65_536


@dataclass(frozen=True)
class Window:
    """A range of values: `width` wide around `level`."""

    width: float
    level: float

    @property
    def low(self) -> float:
        return self.level - self.width / 2

    @property
    def high(self) -> float:
        return self.level + self.width / 2


def between(low: float, high: float) -> Window:
    """The window from one value to another; never without a width."""
    return Window(high - low if high > low else 1.0, (low + high) / 2)


def grey(values: Array, window: Window) -> Array:
    """Values as 0 (black, at the window's lower end or below) to 255; what is no number is black."""
    with np.errstate(all="ignore"):
        scaled = (values.astype(np.float64) - window.low) * (255.0 / max(window.width, np.finfo(float).tiny))
        # NaN, and infinite minus infinite, are black.
        return np.rint(np.clip(np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0), 0, 255)).astype(np.uint8)


def default_window(volume: Volume, frame: int = 0) -> Window:
    """What the file asks for, else from the 1st to the 99th percentile of a few slices."""
    return volume.suggested or between(*_percentiles(volume, frame))


def _percentiles(volume: Volume, frame: int) -> tuple[float, float]:
    plane = volume.cheapest
    count = volume.slices(plane)
    numbers = sorted({round(part) for part in np.linspace(0, count - 1, min(count, _SLICES))})
    samples = [_sample(volume.slice(plane, number, frame)) for number in numbers]
    values = np.concatenate(samples)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, (_DARK, _BRIGHT))
    if low == high:  # a few voxels of something on nothing, as in a segmentation
        low, high = values.min(), values.max()
    return float(low), float(high)


def _sample(values: Array) -> Array:
    flat = values.ravel()
    return flat[:: max(1, flat.size // _PIXELS)].astype(np.float64)
