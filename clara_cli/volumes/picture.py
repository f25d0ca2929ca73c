"""Pictures of slices, as PNG."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from clara_cli.volumes.orientation import Plane
from clara_cli.volumes.overlay import blend, slice_over
from clara_cli.volumes.volume import Volume
from clara_cli.volumes.window import Window, grey

Array = np.ndarray[Any, Any]


def draw(
    image: Volume,
    plane: Plane,
    number: int,
    window: Window,
    frame: int = 0,
    overlay: Volume | None = None,
    opacity: float = 0.5,
) -> Array:
    """One slice, a byte for each pixel, or three where an overlay lies over it.

    Args:
        overlay: as `laid_over` gives it.

    Raises:
        VolumeError: there is no such slice, or it cannot be read.
    """
    values = image.slice(plane, number, frame)
    shown = grey(values, window)
    if image.inverted:
        shown = 255 - shown
    if overlay is None:
        return shown
    over = frame if frame < overlay.frames else 0
    return blend(shown, slice_over(overlay, image, plane, number, over), opacity)


def png(pixels: Array) -> bytes:
    """A picture as a PNG file, packed lightly: it travels over the loopback."""
    from PIL import Image

    packed = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(packed, "PNG", compress_level=1)
    return packed.getvalue()
