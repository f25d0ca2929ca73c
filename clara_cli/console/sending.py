"""Sending files and folders of a payload: in pieces, with ranges, and never more than was promised."""

from __future__ import annotations

import os
import stat
import time
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from io import FileIO, RawIOBase
from pathlib import Path
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from clara_cli.payloads.names import show_name
from clara_cli.payloads.walk import Entry, open_inside
from clara_cli.server.workers import Workers

_CHUNK = 1 << 18
# What a file may do if a browser shows it after all: nothing.
_SANDBOX = "default-src 'none'; sandbox"


def send_file(
    workers: Workers, file: FileIO, name: str, wanted: str | None = None, kind: str = "application/octet-stream"
) -> Response:
    """A file, or the part of it that a Range header asks for.

    Args:
        name: what it is saved as.
        wanted: the Range header; anything but one range of bytes is answered with the whole file.
    """
    size = os.fstat(file.fileno()).st_size
    headers = {
        "content-disposition": attachment(name),
        "accept-ranges": "bytes",
        "content-security-policy": _SANDBOX,
    }
    start, end, status = 0, size, 200
    found = _range(wanted, size)
    if found is not None:
        start, end = found
        if start >= end:
            file.close()
            return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
        status = 206
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    headers["content-length"] = str(end - start)
    return StreamingResponse(_pieces(workers, file, start, end), status, headers, kind)


async def _pieces(workers: Workers, file: FileIO, start: int, end: int) -> AsyncIterator[bytes]:
    """What lies between two places; a file that has become shorter ends the connection."""
    with file:
        while start < end:
            chunk = await workers.run(partial(os.pread, file.fileno(), min(_CHUNK, end - start), start))
            if not chunk:
                raise OSError("the file became shorter while it was sent")
            start += len(chunk)
            yield chunk


def _range(wanted: str | None, size: int) -> tuple[int, int] | None:
    """Start and end of one range of bytes; None where the whole is wanted. An empty one cannot be satisfied."""
    if not wanted or not wanted.startswith("bytes=") or "," in wanted:
        return None
    first, dash, last = wanted.removeprefix("bytes=").strip().partition("-")
    if not dash or not (first or last) or not all(part.isascii() and part.isdigit() for part in (first, last) if part):
        return None
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def attachment(name: str) -> str:
    """A Content-Disposition by which a browser saves instead of showing."""
    shown = show_name(name).replace("/", "_")
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\%' else "_" for letter in shown
    )
    return f"attachment; filename=\"{plain or 'file'}\"; filename*=UTF-8''{quote(shown, safe='')}"


def send_zip(workers: Workers, top: Path, folder: Path, entries: Iterable[Entry], name: str) -> Response:
    """A folder's files as a zip file that is made while it is sent: nothing is written, however large it is.

    Args:
        top: the payload's own folder, out of which no link is followed.
    """
    made = _zipped(os.path.realpath(top), folder, entries)

    async def pieces() -> AsyncIterator[bytes]:
        while (piece := await workers.run(partial(next, made, None))) is not None:
            yield piece

    headers = {"content-disposition": attachment(name), "content-security-policy": _SANDBOX}
    return StreamingResponse(pieces(), headers=headers, media_type="application/zip")


class _Sink(RawIOBase):
    """Where the zip file is written to, and from where it is taken in pieces."""

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._written.append(bytes(data))
        self.size += len(data)
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        self.size = 0
        return taken


def _zipped(boundary: str, folder: Path, entries: Iterable[Entry]) -> Iterator[bytes]:
    """The pieces of a zip file. Contents are stored as they are: volumes are compressed already."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as made:
        for entry in entries:
            try:
                descriptor = open_inside(str(folder / entry.name), boundary)
            except OSError:
                continue  # gone meanwhile, or a link out of the payload by now
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                status = os.fstat(file.fileno())
                moment = max(time.localtime(status.st_mtime)[:6], (1980, 1, 1, 0, 0, 0))
                info = zipfile.ZipInfo(show_name(entry.name), min(moment, (2107, 12, 31, 23, 59, 58)))
                info.external_attr = (stat.S_IFREG | status.st_mode & 0o777) << 16
                with made.open(info, "w", force_zip64=status.st_size >= 1 << 31) as target:
                    left = status.st_size
                    while left and (chunk := file.read(min(_CHUNK, left))):
                        left -= len(chunk)
                        target.write(chunk)
                        yield sink.take()
            if sink.size >= _CHUNK:
                yield sink.take()
    yield sink.take()
