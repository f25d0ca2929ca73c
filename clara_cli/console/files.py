"""The files of a payload: listed, downloaded one by one or as a zip file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.file_names import name_after
from clara_cli.console.job import JobPage, look
from clara_cli.console.pages import page
from clara_cli.console.sending import send_file, send_zip
from clara_cli.database import Database
from clara_cli.errors import NotFound, PayloadError
from clara_cli.payloads.actions import find_payload
from clara_cli.payloads.names import parse_name, show_name
from clara_cli.payloads.reading import open_file
from clara_cli.payloads.tree import payload_tree
from clara_cli.payloads.walk import Entry, walk, within

router = APIRouter(include_in_schema=False)
# Files that one page lists.
MOST = 2000


@dataclass(frozen=True)
class Group:
    """The files of one folder.

    Attributes:
        folder: its name below the payload's top.
        entries: name below the payload's top, and the entry.
    """

    folder: str
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries if entry.fault is None)


@dataclass(frozen=True)
class Listing:
    """The files of a payload by folder; `left` counts those that are not listed."""

    groups: tuple[Group, ...]
    count: int
    size: int
    left: int


@router.get("/jobs/{job_id}/files")
async def job_files(request: Request, job_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    shown, listing = await desk.slow.call(_look, job_id)
    title = f"Files of {shown.view.job.name}"
    return page(request, "job_files.html", title=title, here="jobs", tab="files", shown=shown, listing=listing)


@router.get("/payloads/{payload_id}/files/{path:file}")
async def download(request: Request, payload_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    name = name_after(request, "/files/")
    file: FileIO = await desk.call(open_file, payload_id, name)
    return send_file(desk.quick, file, name.rpartition("/")[2], request.headers.get("range"))


@router.get("/payloads/{payload_id}/zip/{path:file}")
async def download_folder(request: Request, payload_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    top, folder, entries, name = await desk.slow.call(_folder, payload_id, name_after(request, "/zip/"))
    return send_zip(desk.slow, top, folder, entries, name)


def list_payload(top: Path) -> Listing:
    """What lies in a payload, folder by folder.

    Raises:
        PayloadError: its folder is gone or cannot be read.
    """
    groups: dict[str, list[Entry]] = {}
    count = size = 0
    try:
        for entry in walk(top):
            count += 1
            size += entry.size if entry.fault is None else 0
            if count <= MOST:
                groups.setdefault(entry.name.rpartition("/")[0], []).append(entry)
    except FileNotFoundError:
        raise PayloadError("The files of this job were removed; its record and its logs are kept.") from None
    except OSError as error:
        raise PayloadError(f"cannot read {error.filename}: {error.strerror}") from error
    made = tuple(Group(folder, tuple(entries)) for folder, entries in sorted(groups.items()))
    return Listing(made, count, size, max(0, count - MOST))


def _look(database: Database, job_id: str) -> tuple[JobPage, Listing | None]:
    shown = look(database, job_id)
    try:
        return shown, list_payload(shown.view.tree.path)
    except PayloadError:
        return shown, None


def _folder(database: Database, payload_id: str, name: str) -> tuple[Path, Path, list[Entry], str]:
    """The payload's top, the folder, what it holds, and what the zip file is called."""
    payload = find_payload(database, payload_id)
    top = payload_tree(database.root, payload.id).path
    parts = parse_name(name)
    folder = top.joinpath(*parts)
    if not folder.is_dir() or not within(os.path.realpath(folder), os.path.realpath(top)):
        raise NotFound(f"the payload has no folder /{show_name('/'.join(parts))}", kind="file")
    try:
        entries = [entry for entry in walk(folder, top) if entry.fault is None]
    except OSError as error:
        raise PayloadError(f"cannot read {error.filename}: {error.strerror}") from error
    label = "-".join([(payload.job_id or payload.id)[:8], *parts])
    return top, folder, entries, f"{label}.zip"
