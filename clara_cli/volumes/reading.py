"""Opening whatever a payload holds as a volume."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Timer
from typing import IO

from clara_cli.errors import VolumeError
from clara_cli.filecopy import NotRegular
from clara_cli.payloads.walk import open_inside
from clara_cli.volumes.arrays import array_names, open_npy, open_npz
from clara_cli.volumes.dicom import open_series, read_header, series_in
from clara_cli.volumes.metaimage import open_metaimage
from clara_cli.volumes.nifti import open_nifti
from clara_cli.volumes.orientation import UNKNOWN
from clara_cli.volumes.volume import Volume

NIFTI, META, ARRAY, ARCHIVE, DICOM = "nifti", "metaimage", "array", "archive", "dicom"
_SUFFIXES = {
    ".nii": NIFTI,
    ".nii.gz": NIFTI,
    ".mha": META,
    ".mhd": META,
    ".npy": ARRAY,
    ".npz": ARCHIVE,
    ".dcm": DICOM,
    ".dicom": DICOM,
}


def kind_of_volume(name: str) -> str | None:
    """What kind of volume a file's name promises; None for none."""
    lower = name.lower()
    return next((kind for suffix, kind in _SUFFIXES.items() if lower.endswith(suffix)), None)


@dataclass(frozen=True)
class Asked:
    """What is to be opened.

    Attributes:
        path: of a file, or of a folder with a DICOM series.
        boundary: the payload's top folder, without links, out of which nothing is read.
        member: an array of an `.npz` file, or a series of a folder; None for the largest.
        axes: what the axes of an array are, `zyx` or `xyz`.
    """

    path: Path
    boundary: str
    member: str | None = None
    axes: str = "zyx"


class Shelf:
    """The volumes that were looked at last stay open, as long as their files stay what they are.

    Args:
        room: how many are kept.
        patience: seconds after which all are closed, when none was looked at: what is open takes room on the disk even
            when it was deleted.
    """

    def __init__(self, room: int = 8, patience: float = 120.0) -> None:
        self._room, self._patience = room, patience
        self._timer: Timer | None = None
        self._kept: OrderedDict[object, Volume] = OrderedDict()
        self._lock = Lock()
        self._opening: dict[object, Lock] = {}

    def open(self, asked: Asked) -> Volume:
        """The volume, newly opened or kept.

        Raises:
            VolumeError: it is none, or it cannot be read.
        """
        key = (asked, fingerprint(asked))
        self._wait()
        with self._lock:
            if (kept := self._get(key)) is not None:
                return kept
            opening = self._opening.setdefault(key, Lock())
        # Who asks for what another one unpacks just now waits for that.
        with opening:
            with self._lock:
                if (kept := self._get(key)) is not None:
                    return kept
            try:
                volume = open_volume(asked)
            finally:
                with self._lock:
                    self._opening.pop(key, None)
            with self._lock:
                self._kept[key] = volume
                while len(self._kept) > self._room:
                    self._kept.popitem(last=False)
            return volume

    def clear(self) -> None:
        """Close all that nobody looks at just now."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._kept.clear()

    def _wait(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = Timer(self._patience, self.clear)
            self._timer.daemon = True
            self._timer.start()

    def _get(self, key: object) -> Volume | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)


def fingerprint(asked: Asked) -> tuple[int, int, int, int]:
    """What changes when a file is written, or when a file comes into or leaves a folder.

    Raises:
        VolumeError: it is gone.
    """
    try:
        # Of a DICOM file, its folder: other images of its series may have come.
        found = (asked.path.parent if kind_of_volume(asked.path.name) == DICOM else asked.path).stat()
    except OSError as error:
        raise VolumeError(f"{asked.path.name} is gone: {error.strerror}") from error
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def open_volume(asked: Asked) -> Volume:
    """The volume that a file or folder holds; files are read when a slice is asked for.

    Raises:
        VolumeError: it is none, it is damaged, or it leads out of the payload.
    """
    if asked.axes not in UNKNOWN:
        raise VolumeError(f"axes are zyx or xyz, not {asked.axes}")
    path, name = asked.path, asked.path.name
    kind = DICOM if path.is_dir() else kind_of_volume(name)
    if kind is None:
        raise VolumeError(f"{name} is no volume: those are {', '.join(sorted(_SUFFIXES))} and folders of DICOM files")
    if kind == DICOM:
        return _dicom(asked)
    file = _opened(path, asked.boundary)
    try:
        if kind == NIFTI:
            return open_nifti(file, name)
        if kind == META:
            return open_metaimage(file, name, lambda other: _opened(path.with_name(other), asked.boundary))
        return open_npy(file, name, asked.axes) if kind == ARRAY else open_npz(file, name, asked.member, asked.axes)
    except BaseException:
        file.close()
        raise


def _opened(path: Path, boundary: str) -> IO[bytes]:
    try:
        return os.fdopen(open_inside(str(path), boundary), "rb")
    except NotRegular as error:
        raise VolumeError(f"{path.name} is not opened: it is {error.kind}") from error
    except OSError as error:
        raise VolumeError(f"{path.name} cannot be opened: {error.strerror}") from error


def members(asked: Asked) -> list[str]:
    """The arrays of an `.npz` file or the series of a folder; empty where there is but one thing to see.

    Raises:
        VolumeError: it cannot be read.
    """
    if asked.path.is_dir():
        return list(series_in(str(asked.path), asked.boundary))
    if kind_of_volume(asked.path.name) != ARCHIVE:
        return []
    with _opened(asked.path, asked.boundary) as file:
        return array_names(file, asked.path.name)


def _dicom(asked: Asked) -> Volume:
    name, wanted = asked.path.name, asked.member
    folder = asked.path
    if not folder.is_dir():
        header = read_header(str(asked.path), asked.boundary)
        if header is None:
            raise VolumeError(f"{name} is no DICOM image that can be read")
        wanted, folder = str(header.get("SeriesInstanceUID", "")), asked.path.parent
    found = series_in(str(folder), asked.boundary)
    if not found:
        raise VolumeError(f"{name} holds no DICOM images")
    chosen = max(found, key=lambda key: len(found[key])) if wanted is None else wanted
    if chosen not in found:
        raise VolumeError(f"{name} has no series {chosen}")
    return open_series(found[chosen], name, asked.boundary)
