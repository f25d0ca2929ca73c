"""Fetching files of a payload of a platform: several at once, each of which appears whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import grpc

from clara_cli.errors import NotFound, PayloadError
from clara_cli.payloads.download import Downloaded, Folders, Selection, plan, unwritable
from clara_cli.payloads.upload import Meter
from clara_cli.payloads.walk import Entry
from clara_cli.remote.connection import Connection
from clara_cli.remote.streams import SharedMeter, parallel
from clara_cli.server.wire import payloads_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier


@dataclass(frozen=True)
class RemoteFiles:
    """Files of a payload of a platform; a `Files`."""

    connection: Connection
    payload_id: str
    selection: Selection
    notice: str | None = None
    left_out: tuple[Entry, ...] = field(default=())

    def download(self, destination: str, meter: Meter | None, *, clobber: bool = True) -> Downloaded:
        """Copy the files here; places are as with `clara_cli.payloads.download.download`.

        Raises:
            PayloadError: the destination cannot be written or would be left, the disk is full, or files are there.
        """
        targets = plan(self.selection, destination, clobber=clobber)
        shared = SharedMeter(meter)
        shared.expect(sum(entry.size for entry in self.selection.files))
        fetching = _Fetching(self.connection, self.payload_id, Folders(targets.top), shared)
        written, failed = [], []
        with ThreadPoolExecutor(min(parallel(), len(targets.places)), "download") as threads:
            try:
                jobs = [threads.submit(fetching.fetch, self._name(entry), place) for entry, place in targets.places]
                wait(jobs, return_when=FIRST_EXCEPTION)
            finally:
                # After Ctrl-C too: what is on its way is given up, and its traces are removed.
                unfinished = not all(job.done() and job.exception() is None for job in jobs)
                if unfinished:
                    fetching.give_up()
                    threads.shutdown(cancel_futures=True)
        for (entry, place), job in zip(targets.places, jobs, strict=True):
            fault = job.result()
            if fault is None:
                written.append(place)
            else:
                failed.append((self._name(entry), fault))
        return Downloaded(tuple(written), tuple(failed))

    def _name(self, entry: Entry) -> str:
        """What a file is called in the payload."""
        folder = self.selection.folder.relative_to(self.selection.tree.path)
        return f"/{folder / entry.name}"


class _Fetching:
    """Files on their way here, on several threads."""

    def __init__(self, connection: Connection, payload_id: str, folders: Folders, meter: SharedMeter) -> None:
        self._connection = connection
        self._payload = Identifier(value=payload_id)
        self._folders = folders
        self._meter = meter
        self._lock = threading.Lock()
        self._streams: set[Any] = set()
        self._ended = False

    def give_up(self) -> None:
        """End what is on its way."""
        with self._lock:
            self._ended = True
            for stream in self._streams:
                stream.cancel()

    def fetch(self, name: str, place: str) -> str | None:
        """Put a file in its place; returns why it cannot be read, if so.

        Raises:
            PayloadError: it cannot be written.
        """
        folder, target = os.path.split(place)
        try:
            with self._lock:
                self._folders.make(folder)
            part = _Part(folder, target)
        except OSError as error:
            raise unwritable(place, error) from error
        try:
            mode = self._receive(name, place, part)
            part.finish(mode, place)
        except (NotFound, _Refused) as error:
            return error.message
        except OSError as error:
            raise unwritable(place, error) from error
        finally:
            part.close()
        return None

    def _receive(self, name: str, place: str, part: _Part) -> int:
        """Receive a file; returns its mode."""
        request = wire.PayloadsDownloadRequest(payload_id=self._payload, name=name)
        stream = self._connection.begin(self._connection.payloads.Download, request)
        with self._lock:
            self._streams.add(stream)
            if self._ended:
                stream.cancel()
        details: wire.PayloadFileDetails | None = None
        size = 0
        try:
            for answer in stream:
                if answer.header.code < 0:
                    text = " ".join(answer.header.messages) or "the platform does not send it"
                    raise _Refused(text)
                details = details or (answer.details if answer.HasField("details") else None)
                part.write(answer.data)
                size += len(answer.data)
                self._meter.advance(len(answer.data))
        except grpc.RpcError as error:
            self._connection.explain(error, self._connection.payloads.Download)
        finally:
            stream.cancel()
            with self._lock:
                self._streams.discard(stream)
        if details is not None and details.size != size:
            raise _Refused(f"it has {details.size} bytes, and {size} came")
        return details.mode if details is not None else 0


class _Refused(PayloadError):
    """A file that the platform does not send; the others come nevertheless."""


class _Part:
    """A file that is not complete: beside its place, by the name that parts of downloads have, and locked."""

    def __init__(self, folder: str, target: str) -> None:
        digest = hashlib.blake2b(os.fsencode(target), digest_size=8).hexdigest()
        self._path = f"{folder}/.clara-{digest}-{os.urandom(8).hex()}.part"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]

    def finish(self, mode: int, place: str) -> None:
        """Put it in its place, replacing what is there."""
        os.fchmod(self._file, (mode & 0o777 or 0o644) | 0o600)
        os.replace(self._path, place)  # noqa: PTH105

    def close(self) -> None:
        """Remove it, unless it is in its place."""
        with suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108
        os.close(self._file)
