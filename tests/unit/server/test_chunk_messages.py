"""Messages with parts of files: the same as the library reads and writes, whatever the bytes."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.server.chunk_messages import answer_with, read_upload
from clara_cli.server.wire.common_pb2 import Identifier, RequestHeader, ResponseHeader, Version
from clara_cli.server.wire.payloads_pb2 import PayloadFileDetails, PayloadsDownloadResponse, PayloadsUploadRequest

FILES = st.builds(
    PayloadFileDetails,
    mode=st.integers(0, 2**32 - 1),
    size=st.integers(0, 2**64 - 1),
    name=st.text(max_size=20) | st.just("n" * 3000),
)
HEADERS = st.builds(RequestHeader, api_version=st.just(Version(minor=6)), user_agent=st.text(max_size=10))
DATA = st.binary(max_size=400) | st.sampled_from([b"x" * 127, b"x" * 128, b"x" * 16384, b"x" * (1 << 20)])
REQUESTS = st.builds(
    PayloadsUploadRequest,
    header=st.none() | HEADERS,
    payload_id=st.none() | st.builds(Identifier, value=st.text("0123456789abcdef", max_size=32)),
    details=st.none() | FILES,
    data=DATA,
)


def put_together(raw: bytes) -> PayloadsUploadRequest:
    message = read_upload(raw)
    request = message.described()
    assert not request.data
    request.data = bytes(message.data)
    return request


@given(REQUESTS)
def test_a_message_as_clients_write_it_is_not_copied(request: PayloadsUploadRequest) -> None:
    raw = request.SerializeToString()
    assert put_together(raw) == request
    data = read_upload(raw).data
    if request.data and len(raw) - len(request.data) < 1000:
        assert isinstance(data, memoryview) and data.obj is raw


@given(REQUESTS, REQUESTS)
def test_parts_of_a_message_in_any_order(first: PayloadsUploadRequest, second: PayloadsUploadRequest) -> None:
    raw = first.SerializeToString() + second.SerializeToString()
    assert put_together(raw) == PayloadsUploadRequest.FromString(raw)


def test_a_long_rest_of_a_message_is_not_kept_with_its_data() -> None:
    request = PayloadsUploadRequest(header=RequestHeader(user_agent="u" * 100_000), data=b"x")
    assert read_upload(request.SerializeToString()).data == b"x"
    assert not isinstance(read_upload(request.SerializeToString()).data, memoryview)


@given(st.binary(max_size=200) | REQUESTS.map(lambda one: one.SerializeToString()[:-1]))
def test_any_bytes(raw: bytes) -> None:
    try:
        expected = PayloadsUploadRequest.FromString(raw)
    except DecodeError:
        with pytest.raises(DecodeError):
            put_together(raw)
    else:
        assert put_together(raw) == expected


@given(st.none() | FILES, DATA)
def test_an_answer(details: PayloadFileDetails | None, data: bytes) -> None:
    answer = PayloadsDownloadResponse(header=ResponseHeader(), details=details, data=data)
    assert answer_with(data, details) == answer.SerializeToString()
