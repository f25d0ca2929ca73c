"""Sending files into a payload of a platform."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from clara_cli.errors import PayloadError
from clara_cli.filecopy import SourceChanged, open_regular
from clara_cli.payloads.names import show_name
from clara_cli.payloads.upload import Meter, explained, sources
from clara_cli.remote.connection import Connection
from clara_cli.remote.streams import SharedMeter, chunk_size, parallel
from clara_cli.server.wire import payloads_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier


@dataclass(frozen=True)
class Item:
    """A file of this machine, and what it is called in the payload."""

    path: str
    name: str
    size: int


def items(paths: Sequence[Path], below: Sequence[str] = ()) -> list[Item]:
    """The files that are meant: each path itself, or the content of a folder.

    Args:
        below: names of folders in the payload.

    Raises:
        PayloadError: something is missing, unreadable or no file, cannot be named on the way, or has a name twice.
    """
    found: dict[str, Item] = {}
    for path in paths:
        for place, own, size in sources(path):
            if size is None:
                continue
            name = "/".join((*below, own))
            if any("\ud800" <= character <= "\udfff" for character in name):
                raise PayloadError(
                    f"{show_name(place)} cannot be uploaded: its name is no UTF-8 text", hint="give it another name"
                )
            if name in found:
                raise PayloadError(f"there are two files {show_name(name)}; nothing was kept")
            found[name] = Item(place, name, size)
    return list(found.values())


def send(connection: Connection, payload_id: str, found: Sequence[Item], meter: Meter | None, *, whole: bool) -> None:
    """Send files, several at once.

    Args:
        whole: they appear together, or none does; so they go one after the other.

    Raises:
        PayloadError: a file cannot be read, or changed meanwhile; those that came before it may be there.
    """
    if not found:
        return
    sending = _Sending(payload_id, found, SharedMeter(meter))
    calls = [
        connection.begin_sending(connection.payloads.Upload, sending.requests())
        for _ in range(1 if whole else min(parallel(), len(found)))
    ]
    try:
        for call in calls:
            try:
                connection.checked(call.result())
            except grpc.RpcError as error:
                if sending.error is not None:
                    raise sending.error from error
                connection.explain(error, connection.payloads.Upload)
    finally:
        sending.stop()
        for call in calls:
            call.cancel()


class _Sending:
    """Files on their way; each stream takes the next one when it has sent one."""

    def __init__(self, payload_id: str, found: Sequence[Item], meter: SharedMeter) -> None:
        self._payload = Identifier(value=payload_id)
        self._left = deque(found)
        self._meter = meter
        self._chunk = chunk_size()
        self._ended = threading.Event()
        self.error: Exception | None = None
        meter.expect(sum(item.size for item in found))

    def stop(self) -> None:
        """Nothing more is sent."""
        self._ended.set()

    def requests(self) -> Iterator[Any]:
        """What one stream sends."""
        try:
            while not self._ended.is_set():
                try:
                    item = self._left.popleft()
                except IndexError:
                    return
                yield from self._file(item)
        except Exception as error:
            # gRPC would tell only that there was one.
            self.error = self.error or error
            self._ended.set()
            raise
        if self._ended.is_set():
            raise InterruptedError("the upload was given up")

    def _file(self, item: Item) -> Iterator[wire.PayloadsUploadRequest]:
        try:
            reader = open_regular(item.path)
            try:
                before = os.fstat(reader)
                details = wire.PayloadFileDetails(name=item.name, mode=before.st_mode & 0o777, size=before.st_size)
                sent = 0
                while (data := os.read(reader, self._chunk)) or not sent:
                    if self._ended.is_set():
                        raise InterruptedError("the upload was given up")
                    yield wire.PayloadsUploadRequest(payload_id=self._payload, details=details, data=data)
                    sent += len(data)
                    self._meter.advance(len(data))
                    if not data:
                        break
                after = os.fstat(reader)
                if (sent, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                    raise SourceChanged(item.path)
            finally:
                os.close(reader)
        except InterruptedError:
            raise
        except OSError as error:
            raise explained(error, item.path) from error
