"""The Payloads service."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import Future
from contextlib import aclosing
from functools import partial
from io import FileIO

from google.protobuf.message import DecodeError

from clara_cli.database import Database
from clara_cli.errors import PayloadError
from clara_cli.payloads.actions import create_payload, delete_payloads, find_payload, payload_files, remove_file
from clara_cli.payloads.model import Payload, PayloadKind
from clara_cli.payloads.reading import open_file
from clara_cli.payloads.receive import Reception
from clara_cli.payloads.walk import Entry
from clara_cli.quantities import show_size
from clara_cli.server import codes, metadata
from clara_cli.server.chunk_messages import UploadMessage, answer_with, read_upload
from clara_cli.server.codes import Refusal
from clara_cli.server.identifiers import read_id, wire_id
from clara_cli.server.platform import Platform
from clara_cli.server.wire import payloads_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier, ResponseHeader
from clara_cli.server.workers import ended, finished

# Bytes of a file in one message, and bytes that are gathered before they are written.
CHUNK = 1 << 20
# Pieces that are gathered at most, however small they are.
_PIECES = 1000
# What a client sees in the payload of a job.
_VISIBLE = ("input/", "operators/")


class Payloads:
    """The service."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def create(self, request: wire.PayloadsCreateRequest) -> wire.PayloadsCreateResponse:
        made = await self._platform.quick.call(create_payload, None, dict(request.metadata))
        return wire.PayloadsCreateResponse(
            header=ResponseHeader(), payload_id=wire_id(made.payload.id), type=made.payload.kind.wire
        )

    async def details(self, request: wire.PayloadsDetailsRequest) -> AsyncIterator[wire.PayloadsDetailsResponse]:
        payload, entries = await self._platform.slow.call(_look, read_id(request.payload_id, "payload"))
        files: list[wire.PayloadFileDetails | None] = [
            _file(f"/{entry.name}", entry.size, entry.mode) for entry in entries
        ]
        # The payload is described even where it has no file.
        for file in files or [None]:
            yield wire.PayloadsDetailsResponse(
                header=ResponseHeader(),
                payload_id=wire_id(payload.id),
                file=file,
                type=payload.kind.wire,
                job_id=wire_id(payload.job_id) if payload.job_id else None,
                metadata=payload.metadata,
            )

    read_upload = staticmethod(read_upload)

    async def upload(self, messages: AsyncIterator[UploadMessage]) -> wire.PayloadsUploadResponse:
        """One file after the other; a new name begins the next. All of them appear at the end, or none."""
        upload: _Upload | None = None
        try:
            async for message in messages:
                if upload is None:
                    upload = await _Upload.begin(self._platform, _described(message).payload_id)
                await upload.take(message)
            # Who sends an empty file with NVIDIA's client sends nothing at all.
            details = await upload.finish() if upload is not None else None
        finally:
            if upload is not None:
                await upload.close()
        return wire.PayloadsUploadResponse(header=ResponseHeader(), details=details)

    async def download(self, request: wire.PayloadsDownloadRequest) -> AsyncIterator[bytes]:
        payload_id = read_id(request.payload_id, "payload")
        file = await self._platform.quick.call(open_file, payload_id, request.name)
        with file:
            info = os.fstat(file.fileno())
            details: wire.PayloadFileDetails | None = _file(request.name, info.st_size, info.st_mode)
            async with aclosing(self._chunks(file, info.st_size)) as chunks:
                async for data in chunks:
                    yield answer_with(data, details)
                    details = None

    async def _chunks(self, file: FileIO, size: int) -> AsyncGenerator[bytes, None]:
        """So many bytes of a file, at least one chunk; the next is read while one is sent."""
        reading = self._platform.quick.begin(partial(file.read, min(size, CHUNK)))
        try:
            while True:
                data = await finished(reading)
                if size and not data:
                    raise PayloadError("the file became shorter while it was downloaded")
                size -= len(data)
                if size:
                    reading = self._platform.quick.begin(partial(file.read, min(size, CHUNK)))
                yield data
                if not size:
                    return
        finally:
            await ended(reading)

    async def remove(self, request: wire.PayloadsRemoveRequest) -> wire.PayloadsRemoveResponse:
        payload_id = read_id(request.payload_id, "payload")
        await self._platform.quick.call(remove_file, payload_id, request.name)
        return wire.PayloadsRemoveResponse(header=ResponseHeader())

    async def delete(self, request: wire.PayloadsDeleteRequest) -> wire.PayloadsDeleteResponse:
        await self._platform.slow.call(delete_payloads, [read_id(request.payload_id, "payload")])
        return wire.PayloadsDeleteResponse(header=ResponseHeader())

    async def add_metadata(self, request: wire.PayloadsAddMetadataRequest) -> wire.PayloadsAddMetadataResponse:
        payload_id = await self._reusable(read_id(request.payload_id, "payload"))
        pairs = await self._platform.quick.call(metadata.add, "payload", payload_id, request.metadata)
        return wire.PayloadsAddMetadataResponse(header=ResponseHeader(), payload_id=wire_id(payload_id), metadata=pairs)

    async def remove_metadata(self, request: wire.PayloadsRemoveMetadataRequest) -> wire.PayloadsRemoveMetadataResponse:
        payload_id = await self._reusable(read_id(request.payload_id, "payload"))
        pairs = await self._platform.quick.call(metadata.remove, "payload", payload_id, request.keys)
        return wire.PayloadsRemoveMetadataResponse(
            header=ResponseHeader(), payload_id=wire_id(payload_id), metadata=pairs
        )

    async def _reusable(self, payload_id: str) -> str:
        payload = await self._platform.quick.call(find_payload, payload_id)
        if payload.kind is not PayloadKind.REUSABLE:
            raise Refusal(codes.NO_METADATA, f"payload {payload.id} belongs to a job: only reusable ones have metadata")
        return payload.id


class _Upload:
    """One upload: what came of the present file, gathered into pieces that are worth a write.

    One piece is written while the next is gathered.
    """

    def __init__(self, platform: Platform, reception: Reception) -> None:
        self.reception = reception
        self._platform = platform
        self._limit = platform.config.platform.upload
        self._head: bytes | None = None
        self._name: str | None = None
        self._mode = 0
        self._size = 0
        self._total = 0
        self._gathered: list[memoryview | bytes] = []
        self._gathered_size = 0
        self._writing: Future[None] | None = None

    @classmethod
    async def begin(cls, platform: Platform, identifier: Identifier) -> _Upload:
        payload_id = read_id(identifier, "payload")
        return cls(platform, await platform.quick.call(Reception, payload_id, platform.config.platform.storage))

    async def take(self, message: UploadMessage) -> None:
        if message.head != self._head:
            await self._describe(_described(message))
            self._head = message.head if len(message.head) <= CHUNK else None
        size = len(message.data)
        self._size += size
        self._total += size
        if self._total > self._limit:
            raise Refusal(
                codes.UPLOAD_TOO_LARGE,
                f"the upload is too large: at most {show_size(self._limit)} are taken at once; nothing was kept",
                "max_upload below `platform` in the server's config.yaml is the limit",
            )
        self._gathered.append(message.data)
        self._gathered_size += size
        if self._gathered_size >= CHUNK or len(self._gathered) >= _PIECES:
            await self._write()

    async def _describe(self, described: wire.PayloadsUploadRequest) -> None:
        """What a message says of its file: a new name ends the file before."""
        if described.payload_id.value and read_id(described.payload_id, "payload") != self.reception.payload.id:
            raise Refusal(codes.MALFORMED_REQUEST, "one upload is for one payload; a second one is named in it")
        name = described.details.name
        if self._name is None or (name and name != self._name):
            await self._write()
            await self._written()
            self._name, self._mode, self._size = name, described.details.mode, 0
            await self._platform.quick.run(partial(self.reception.begin, name, self._mode))

    async def finish(self) -> wire.PayloadFileDetails:
        """Put all files in place; the answer is about the last of them."""
        await self._write()
        await self._written()
        await self._platform.quick.call(self.reception.finish)
        return wire.PayloadFileDetails(name=self._name or "", mode=self._mode, size=self._size)

    async def close(self) -> None:
        """Remove what is still aside."""
        if self._writing is not None:
            await ended(self._writing)
        await self._platform.quick.run(self.reception.close)

    async def _write(self) -> None:
        """Begin to write what was gathered, once what was gathered before it is written."""
        if self._gathered_size:
            await self._written()
            gathered, self._gathered, self._gathered_size = self._gathered, [], 0
            self._writing = self._platform.quick.begin(partial(self.reception.write, gathered))

    async def _written(self) -> None:
        if self._writing is not None:
            await finished(self._writing)
            self._writing = None


def _described(message: UploadMessage) -> wire.PayloadsUploadRequest:
    try:
        return message.described()
    except DecodeError as error:
        raise Refusal(codes.MALFORMED_REQUEST, "the request is no PayloadsUploadRequest") from error


def _look(database: Database, payload_id: str) -> tuple[Payload, list[Entry]]:
    payload = find_payload(database, payload_id)
    entries = [entry for entry in payload_files(database, payload) if entry.fault is None]
    if payload.kind is PayloadKind.PIPELINE:
        entries = [entry for entry in entries if entry.name.startswith(_VISIBLE)]
    return payload, entries


def _file(name: str, size: int, mode: int) -> wire.PayloadFileDetails:
    return wire.PayloadFileDetails(mode=mode & 0o7777, size=size, name=codes.clean(name))
