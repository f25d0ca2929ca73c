"""Which volume or file of a payload a reference means, and what else there is to look at beside it.

A reference is the name of a file or folder below the payload's top, or `@operator/variable` for a FastIO variable of
the job while it runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from urllib.parse import quote

import numpy as np

from clara_cli.database import Database
from clara_cli.errors import ClaraError, NotFound, VolumeError
from clara_cli.fastio.observe import Opened
from clara_cli.jobs.actions import find_job
from clara_cli.payloads.actions import find_payload
from clara_cli.payloads.locate import locate
from clara_cli.payloads.names import parse_name, show_name
from clara_cli.payloads.tree import payload_tree
from clara_cli.payloads.walk import walk, within
from clara_cli.volumes.overlay import laid_over
from clara_cli.volumes.reading import Asked, Shelf, fingerprint, kind_of_volume, members
from clara_cli.volumes.variables import head, open_variable, variables, viewable
from clara_cli.volumes.volume import Volume

VARIABLE = "@"
# Files of a payload that are looked at for others that can be laid over.
_MOST = 5000
_OFFERED = 100
# Bytes of a string variable that are shown.
_TEXT = 200


@dataclass(frozen=True)
class Place:
    """Where a reference leads.

    Attributes:
        payload_id: the whole id.
        job_id: the payload's job; None for a payload without one.
        job_name: what that is called.
        reference: as it was given.
        path: of the file or folder; None for a variable.
        top: the payload's folder, without links.
    """

    payload_id: str
    job_id: str | None
    job_name: str
    reference: str
    path: Path | None
    top: str

    @property
    def title(self) -> str:
        return show_name(self.reference.removeprefix(VARIABLE).rpartition("/")[2] or self.reference)

    @property
    def shown(self) -> str:
        return show_name(self.reference)

    @property
    def is_volume(self) -> bool:
        return self.path is None or self.path.is_dir() or kind_of_volume(self.path.name) is not None


def address(place: Place, what: str) -> str:
    """The address of something about a place: `view`, `slice`, `files`, `zip`, `nifti` or `niivue`."""
    return f"/payloads/{place.payload_id}/{what}/{quote(place.reference, errors='surrogateescape')}"


@lru_cache(maxsize=1)
def shelf() -> Shelf:
    """The volumes that are open, for all pages."""
    return Shelf()


def find_place(database: Database, payload_id: str, reference: str) -> Place:
    """Where a reference leads.

    Raises:
        NotFound: no such payload, file or folder.
        BadFileName: it leads out of the payload.
    """
    payload = find_payload(database, payload_id)
    top = payload_tree(database.root, payload.id).path
    real = os.path.realpath(top)
    path = None if reference.startswith(VARIABLE) else _file_or_folder(top, real, reference)
    name = find_job(database, payload.job_id).job.name if payload.job_id else ""
    return Place(payload.id, payload.job_id, name, reference, path, real)


def _file_or_folder(top: Path, real: str, reference: str) -> Path:
    folder = top.joinpath(*parse_name(reference))
    if folder.is_dir():
        if not within(os.path.realpath(folder), real):
            raise NotFound(f"the payload has no folder /{show_name(reference)}", kind="file")
        return folder
    return locate(top, reference)


def open_place(place: Place, array: str | None, axes: str) -> Volume:
    """The volume at a place.

    Raises:
        VolumeError: it is none, it cannot be read, or the variable is gone.
    """
    if place.path is not None:
        return shelf().open(Asked(place.path, place.top, array, axes))
    operator, _, name = place.reference.removeprefix(VARIABLE).partition("/")
    if place.job_id is None:
        raise VolumeError(f"{place.shown}: this payload belongs to no job, and only jobs have variables")
    return open_variable(place.job_id, operator, name, axes)


def open_over(place: Place, axes: str, volume: Volume) -> Volume:
    """The volume at a place, as it lies over another; of an array the order of axes that fits that one's size.

    Raises:
        VolumeError: as `open_place`, or the two do not fit together.
    """
    over = open_place(place, None, axes)
    if over.orientation.affine is None and over.axes != volume.axes:
        turned = open_place(place, None, "xyz" if axes == "zyx" else "zyx")
        over = turned if turned.axes == volume.axes else over
    return laid_over(over, volume)


def state_of(place: Place, array: str | None, axes: str) -> tuple[int, ...] | None:
    """What changes when the place's file does; None for variables, which may change at any time."""
    return None if place.path is None else fingerprint(Asked(place.path, place.top, array, axes))


def arrays(place: Place, array: str | None, axes: str) -> list[str]:
    """What else there is in the same archive or folder."""
    return [] if place.path is None else members(Asked(place.path, place.top, array, axes))


@dataclass(frozen=True)
class Held:
    """A variable of a running job as its page lists it.

    Attributes:
        kind: its type and sizes.
        value: of a string or a single number, else empty.
        reference: for the viewer; empty where there is no picture of it.
    """

    operator: str
    name: str
    kind: str
    value: str
    reference: str


def held(job_id: str) -> list[Held]:
    """The variables of a job that are in memory now."""
    try:
        with variables(job_id) as found:
            return [_held(each) for each in found]
    except ClaraError:  # it ends just now
        return []


def _held(found: Opened) -> Held:
    dtype = np.dtype(found.element_type)
    reference = f"{VARIABLE}{found.operator}/{found.name}" if viewable(found) else ""
    value = ""
    start = head(found, _TEXT)
    if prod(found.shape) == 1 and len(start) == dtype.itemsize:
        value = str(np.frombuffer(start, dtype)[0])
    elif len(found.shape) == 1 and dtype == np.uint8:
        value = start.decode("utf-8", "replace").rstrip("\0")
    return Held(found.operator, found.name, f"{dtype} {list(found.shape)}", value, reference)


def variable_references(job_id: str | None) -> list[str]:
    """The variables of a job that can be looked at now."""
    if job_id is None:
        return []
    return [found.reference for found in held(job_id) if found.reference]


def beside(place: Place) -> list[str]:
    """References of other volumes of the payload, which might be laid over this one."""
    found = variable_references(place.job_id)
    folders: set[str] = set()
    try:
        for number, entry in enumerate(walk(place.top)):
            if number >= _MOST or len(found) >= _OFFERED:
                break
            kind = kind_of_volume(entry.name)
            if entry.fault is not None or kind is None:
                continue
            # A series is offered once: by its folder.
            name = entry.name.rpartition("/")[0] if kind == "dicom" else entry.name
            if name not in folders and name:
                folders.add(name)
                found.append(name)
    except OSError:
        pass
    return [name for name in found if name != place.reference]
