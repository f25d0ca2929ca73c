"""Messages with a part of a file, up and down, without the copies of its data that the library makes of them."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from clara_cli.server.wire.common_pb2 import ResponseHeader
from clara_cli.server.wire.payloads_pb2 import PayloadFileDetails, PayloadsDownloadResponse, PayloadsUploadRequest

# Tags of length-delimited fields. Of a request: 1 to 3 (header, payload_id, details) and 4 (data); of an answer: 3.
_HEAD, _DATA, _ANSWERED_DATA = (0x0A, 0x12, 0x1A), 0x22, 0x1A
# Bytes besides its data that a message may have and be kept as it came.
_LONGEST_HEAD = 1024


@dataclass(frozen=True, slots=True)
class UploadMessage:
    """A `PayloadsUploadRequest`.

    Attributes:
        head: the message without its data, as it came: equal for messages of one file, as a rule.
        data: a part of the received bytes.
    """

    head: bytes
    data: memoryview | bytes

    def described(self) -> PayloadsUploadRequest:
        """The message without its data.

        Raises:
            DecodeError: it is none.
        """
        return PayloadsUploadRequest.FromString(self.head)


def read_upload(raw: bytes) -> UploadMessage:
    """Take a message apart.

    Raises:
        DecodeError: it is none.
    """
    place = 0
    # As every client writes it: the fields in order, the data last.
    while place < len(raw) and raw[place] in _HEAD:
        length, place = _varint(raw, place + 1)
        place += length
    if place == len(raw):
        return UploadMessage(raw, b"")
    if place < len(raw) and raw[place] == _DATA:
        length, start = _varint(raw, place + 1)
        if start + length == len(raw):
            # A view keeps the whole message in memory.
            return UploadMessage(raw[:place], memoryview(raw)[start:] if place <= _LONGEST_HEAD else raw[start:])
    request = PayloadsUploadRequest.FromString(raw)
    data = request.data
    request.ClearField("data")
    return UploadMessage(request.SerializeToString(), data)


def answer_with(data: bytes, details: PayloadFileDetails | None) -> bytes:
    """A `PayloadsDownloadResponse` as it is sent."""
    head = PayloadsDownloadResponse(header=ResponseHeader(), details=details).SerializeToString()
    return b"".join((head, _number(len(data)), data)) if data else head


def _number(value: int) -> bytes:
    """The tag of the answer's data, and their length."""
    written = bytearray([_ANSWERED_DATA])
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = shift = 0
    while place < len(raw) and shift < 64:
        byte = raw[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
    raise DecodeError("a number does not end")
