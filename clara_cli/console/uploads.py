"""Files that a browser or a program sends, straight into a payload: nothing is held in memory or written twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message
from functools import partial

from python_multipart.multipart import MultipartParser

from clara_cli.console.desk import Desk
from clara_cli.errors import UsageError
from clara_cli.payloads.receive import DiskFull, Reception
from clara_cli.quantities import show_size

# Bytes of a field, fields, and bytes that are gathered before they are written.
_LONGEST_FIELD, _MOST_FIELDS, _GATHERED = 64 << 10, 256, 1 << 20


class UploadTooLarge(DiskFull):
    """More than one upload may hold."""


@dataclass
class _Part:
    """One part of a form that arrives.

    Attributes:
        file: the name of the file; None for a field.
    """

    name: str
    file: str | None
    data: list[bytes] = field(default_factory=list)


@dataclass
class Upload:
    """Files on their way into one payload."""

    desk: Desk
    reception: Reception
    count: int = 0
    _total: int = 0
    _gathered: list[bytes] = field(default_factory=list)
    _size: int = 0

    @classmethod
    async def into(cls, desk: Desk, payload_id: str) -> Upload:
        """Whoever makes one closes it, or what came stays aside."""
        return cls(desk, await desk.quick.call(Reception, payload_id, desk.config.platform.storage))

    async def begin(self, name: str) -> None:
        """The next file."""
        await self._flush()
        await self.desk.quick.run(partial(self.reception.begin, name, 0))
        self.count += 1

    async def write(self, data: bytes) -> None:
        """The next bytes of the file.

        Raises:
            UploadTooLarge: there were too many; nothing is kept.
        """
        self._total += len(data)
        limit = self.desk.config.platform.upload
        if self._total > limit:
            raise UploadTooLarge(
                f"the upload is too large: at most {show_size(limit)} are taken at once; nothing was kept",
                "max_upload below `platform` in config.yaml is the limit",
            )
        self._gathered.append(data)
        self._size += len(data)
        if self._size >= _GATHERED:
            await self._flush()

    async def finish(self) -> None:
        """Put all files in place."""
        await self._flush()
        await self.desk.quick.call(self.reception.finish)

    async def close(self) -> None:
        """Remove what is still aside."""
        await self.desk.quick.run(self.reception.close)

    async def _flush(self) -> None:
        if self._gathered:
            gathered, self._gathered, self._size = self._gathered, [], 0
            await self.desk.quick.run(partial(self.reception.write, gathered))


class Form:
    """A form (`multipart/form-data`) as it arrives: fields are kept, files are passed on piece by piece."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self._part: _Part | None = None
        self._headers: dict[str, str] = {}
        self._header, self._value = b"", b""
        self._events: list[tuple[str, bytes]] = []
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_begin,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_end": self._on_end,
            },
        )

    async def files(self, body: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, bytes]]:
        """(name, piece) of each file; an empty piece comes first. Fields before a file are in `fields` by then.

        Raises:
            UsageError: it did not arrive whole, a field is too long, or there are too many.
            FormParserError: it is no such form.
        """
        async for chunk in body:
            self._parser.write(chunk)
            events, self._events = self._events, []
            for event in events:
                yield event
        if not self._ended:
            raise UsageError("the form did not arrive whole")

    def _on_begin(self) -> None:
        self._headers = {}
        self._part = None

    def _on_end(self) -> None:
        self._ended = True

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._header.decode("latin-1").lower()] = self._value.decode("utf-8", "surrogateescape")
        self._header, self._value = b"", b""

    def _on_headers(self) -> None:
        name, file = _disposition(self._headers.get("content-disposition", ""))
        if len(self.fields) >= _MOST_FIELDS:
            raise UsageError(f"the form has more than {_MOST_FIELDS} fields")
        self._part = _Part(name, file)
        if file is None:
            self.fields[name] = ""
        elif file:
            self._events.append((file, b""))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        assert part is not None
        piece = data[start:end]
        if part.file:
            self._events.append((part.file, piece))
        elif part.file is None:
            part.data.append(piece)
            if sum(map(len, part.data)) > _LONGEST_FIELD:
                raise UsageError(f"the field {part.name} is too long")
            self.fields[part.name] = b"".join(part.data).decode("utf-8", "replace")


def _disposition(text: str) -> tuple[str, str | None]:
    """Name of the field, and of the file if it is one; a file that nobody chose has an empty name."""
    name, file = _parameter(text, "name"), _parameter(text, "filename")
    return name or "", file


def _parameter(text: str, wanted: str) -> str | None:
    """A parameter as browsers write it: quoted, with `"` as %22 and line ends as %0D%0A."""
    start = text.find(f'; {wanted}="')
    if start < 0:
        return None
    value, _, _ = text[start + len(wanted) + 4 :].partition('"')
    return value.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def boundary_of(content_type: str) -> bytes:
    """The boundary of a form.

    Raises:
        UsageError: it is no such form.
    """
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_param("boundary")
    if message.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or len(boundary) > 200:
        raise UsageError("expected a form with files (multipart/form-data)")
    return boundary.encode("latin-1", "replace")
