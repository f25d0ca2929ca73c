"""DICOM series: the files of one series in a folder, in their order in space.

Headers are read when the series is opened, pixels when a slice needs them; what was decoded is kept on the disk.
Terms are those of PS3.3 C.7.6.2 (image plane), C.11.1 (modality LUT) and C.11.2 (VOI LUT).
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from clara_cli.errors import VolumeError
from clara_cli.payloads.walk import open_inside
from clara_cli.volumes.orientation import UNKNOWN, Orientation, from_affine
from clara_cli.volumes.scratch import new_scratch
from clara_cli.volumes.volume import MAX_PIXELS, Volume
from clara_cli.volumes.voxels import Array, FileVoxels, Index
from clara_cli.volumes.window import Window

MAX_FILES = 20_000
_STORED = np.dtype(np.float32)
# All that is kept of a header: a series may have thousands.
_TAGS = [
    *("Rows", "Columns", "SeriesInstanceUID", "SeriesDescription", "Modality", "InstanceNumber", "NumberOfFrames"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing", "SliceThickness"),
    *("WindowCenter", "WindowWidth", "RescaleType", "PhotometricInterpretation"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
]
# To millimetres right, front and up (RAS) from DICOM's left, back and up (LPS).
_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Picture:
    """One image: a file, or one frame of a file.

    Attributes:
        frame: its number in the file, from 0.
        number: the file's InstanceNumber, for images that do not say where they lie.
        position: of the middle of the first pixel, millimetres left, back, up; None when not said.
    """

    path: str
    frame: int
    number: int
    position: tuple[float, float, float] | None


def series_in(folder: str, boundary: str) -> dict[str, list[Any]]:
    """The headers of all images in a folder by their SeriesInstanceUID; what is no DICOM image is passed over.

    Raises:
        VolumeError: there are too many files, or pydicom is missing.
    """
    found: dict[str, list[Any]] = {}
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError as error:
        raise VolumeError(f"{Path(folder).name} cannot be read: {error.strerror}") from error
    if len(names) > MAX_FILES:
        raise VolumeError(f"{Path(folder).name} holds {len(names):,} files; a series is looked for in {MAX_FILES:,}")
    for name in names:
        header = read_header(os.path.join(folder, name), boundary)  # noqa: PTH118
        if header is not None:
            found.setdefault(str(header.get("SeriesInstanceUID", "")), []).append(header)
    return found


def read_header(path: str, boundary: str) -> Any | None:
    """The header of one image, its pixels left out; None when the file is no DICOM image."""
    pydicom = _pydicom()
    try:
        with os.fdopen(open_inside(path, boundary), "rb") as file:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS)
        header.filename = path
        return header if "Rows" in header and "Columns" in header else None
    except Exception:
        # Hostile files make the parser raise nearly anything; one that cannot be read is no image of the series.
        return None


def open_series(headers: list[Any], name: str, boundary: str) -> Volume:
    """The images of one series as a volume.

    Raises:
        VolumeError: the images do not fit together.
    """
    sizes = {(int(header.Rows), int(header.Columns)) for header in headers}
    if len(sizes) != 1:
        shown = ", ".join(f"{columns} x {rows}" for rows, columns in sorted(sizes))
        raise VolumeError(f"{name} is no volume: its images have several sizes ({shown})")
    rows, columns = sizes.pop()
    if not 0 < rows * columns <= MAX_PIXELS:
        raise VolumeError(f"{name} cannot be shown: its images have {columns:,} x {rows:,} pixels")
    first = headers[0]
    try:
        pictures = [picture for header in headers for picture in _pictures(header)]
        direction, pixel = _direction(first), _pixel_spacing(first)
        order, frames = _ordered(pictures, direction, name)
        dims = (columns, rows, len(order) // frames, frames)
        orientation = _orientation(first, order[:: frames or 1], direction, pixel, dims[:3], name)
        window, unit = _window(first), str(first.get("RescaleType", "") or "")
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, OverflowError) as error:
        raise VolumeError(f"{name} has a header that makes no sense: {error}") from error
    # Frames of one place follow each other in the order; on the disk each frame is one piece.
    slices = [order[number * frames + frame] for frame in range(frames) for number in range(dims[2])]
    voxels = SeriesVoxels(slices, dims, name, boundary)
    inverted = first.get("PhotometricInterpretation", "") == "MONOCHROME1"
    return Volume(name, voxels, (0, 1, 2), orientation, suggested=window, unit=unit, inverted=inverted)


class SeriesVoxels:
    """The numbers of a series after its modality LUT; images are decoded when they are first needed."""

    def __init__(self, pictures: list[Picture], dims: tuple[int, ...], name: str, boundary: str) -> None:
        self.dims, self.dtype = dims, _STORED
        self._pictures, self._name, self._boundary = pictures, name, boundary
        self._plane = dims[0] * dims[1] * _STORED.itemsize
        self._scratch = new_scratch(self._plane * len(pictures), name)
        os.ftruncate(self._scratch.fileno(), self._plane * len(pictures))
        self._decoded: set[int] = set()
        self._lock = Lock()
        self._stored = FileVoxels(self._scratch, name, dims, _STORED)

    def take(self, index: Index) -> Array:
        slices, frame = self.dims[2], index[3] or 0
        wanted = range(slices) if index[2] is None else range(index[2], index[2] + 1)
        with self._lock:
            for number in wanted:
                self._decode(frame * slices + number)
        return self._stored.take(index)

    def _decode(self, number: int) -> None:
        if number in self._decoded:
            return
        values = _pixels(self._pictures[number], self._name, self._boundary)
        if values.shape != (self.dims[1], self.dims[0]):
            raise VolumeError(f"{self._name} changed while it was looked at")
        try:
            os.pwrite(self._scratch.fileno(), values.astype(_STORED).tobytes(), number * self._plane)
        except OSError as error:
            raise VolumeError(f"{self._name} cannot be unpacked: {error.strerror}") from error
        self._decoded.add(number)


def _pixels(picture: Picture, name: str, boundary: str) -> Array:
    """One image's values after its modality LUT, colours as how bright they are."""
    pydicom = _pydicom()
    shown = f"{name}/{Path(picture.path).name}" if Path(picture.path).name != name else name
    try:
        with os.fdopen(open_inside(picture.path, boundary), "rb") as file:
            image = pydicom.dcmread(file)
        if int(image.get("NumberOfFrames", 1) or 1) > 1:
            values = pydicom.pixels.pixel_array(image, index=picture.frame)
        else:
            values = image.pixel_array
        if values.ndim == 3 and int(image.get("SamplesPerPixel", 1)) > 1:
            return np.asarray(values.mean(axis=-1))
        return np.asarray(pydicom.pixels.apply_modality_lut(values, image))
    except Exception as error:  # whatever a damaged file makes the decoders raise
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise VolumeError(f"the pixels of {shown} cannot be read: {said}") from error


def _pictures(header: Any) -> list[Picture]:
    path, number = str(header.filename), int(header.get("InstanceNumber", 0) or 0)
    frames = int(header.get("NumberOfFrames", 1) or 1)
    groups = header.get("PerFrameFunctionalGroupsSequence", None) or []
    if frames == 1 or len(groups) != frames:
        return [Picture(path, frame, number, _position(header) if frames == 1 else None) for frame in range(frames)]
    return [
        Picture(path, frame, number, _position(_first(group, "PlanePositionSequence")))
        for frame, group in enumerate(groups)
    ]


def _position(item: Any) -> tuple[float, float, float] | None:
    value = item.get("ImagePositionPatient", None) if item is not None else None
    if not value:
        return None
    left, back, up = (float(number) for number in value)
    return left, back, up


def _first(item: Any, sequence: str) -> Any | None:
    found = item.get(sequence, None) if item is not None else None
    return found[0] if found else None


def _shared(header: Any, sequence: str) -> Any:
    """An item that all frames share, else the first frame's, else the header itself."""
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        found = _first(_first(header, groups), sequence)
        if found is not None:
            return found
    return header


def _direction(header: Any) -> Array | None:
    """The directions of a row and of a column, two rows of three; None when not said."""
    value = _shared(header, "PlaneOrientationSequence").get("ImageOrientationPatient", None)
    return np.array([float(number) for number in value]).reshape(2, 3) if value else None


def _pixel_spacing(header: Any) -> tuple[float, float] | None:
    """Millimetres from row to row and from column to column."""
    measures = _shared(header, "PixelMeasuresSequence")
    value = measures.get("PixelSpacing", None) or header.get("ImagerPixelSpacing", None)
    return (float(value[0]), float(value[1])) if value else None


def _ordered(pictures: list[Picture], direction: Array | None, name: str) -> tuple[list[Picture], int]:
    """The images from the lowest place along the normal to the highest, and how many there are of each place."""
    if direction is None or any(picture.position is None for picture in pictures):
        return sorted(pictures, key=lambda picture: (picture.number, picture.frame)), 1
    normal = np.cross(direction[0], direction[1])
    places = {picture: round(float(np.dot(picture.position, normal)), 3) for picture in pictures}  # type: ignore[arg-type]
    counts = set(Counter(places.values()).values())
    if len(counts) != 1:
        raise VolumeError(f"{name} is no volume: some of its images lie at the same place and some do not")
    return sorted(pictures, key=lambda picture: (places[picture], picture.number, picture.frame)), counts.pop()


def _orientation(
    header: Any,
    slices: list[Picture],
    direction: Array | None,
    pixel: tuple[float, float] | None,
    shape: tuple[int, int, int],
    name: str,
) -> Orientation:
    down, right = pixel or (1.0, 1.0)
    first, last = slices[0].position, slices[-1].position
    if direction is None or first is None or last is None:
        plain = UNKNOWN["zyx"]
        return Orientation(plain.axes, plain.flipped, (right, down, 1.0))
    if len(slices) > 1:
        step = (np.array(last) - np.array(first)) / (len(slices) - 1)
    else:
        measures = _shared(header, "PixelMeasuresSequence")
        step = np.cross(direction[0], direction[1]) * float(measures.get("SliceThickness", 1.0) or 1.0)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = direction[0] * right, direction[1] * down
    affine[:3, 2], affine[:3, 3] = step, first
    return from_affine(_RAS @ affine, shape, name)


def _window(header: Any) -> Window | None:
    item = _shared(header, "FrameVOILUTSequence")
    level, width = item.get("WindowCenter", None), item.get("WindowWidth", None)
    if level is None or width is None or level == "" or width == "":
        return None
    first = [float(value[0] if hasattr(value, "__len__") else value) for value in (width, level)]
    return Window(*first) if np.isfinite(first).all() and first[0] > 0 else None


def _pydicom() -> Any:
    try:
        import pydicom
        import pydicom.pixels
    except ImportError:
        raise VolumeError("DICOM needs the package pydicom", hint='pip install "clara-cli[console]"') from None
    return pydicom
