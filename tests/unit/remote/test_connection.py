"""Addresses, errors, ids and streams of platforms on other machines."""

from __future__ import annotations

import pytest

from clara_cli.errors import ClaraError, ConfigError, DefinitionError, NotFound, StateConflict, UsageError
from clara_cli.platform_address import PlatformAddress, platform_at
from clara_cli.remote.identity import among, whole
from clara_cli.remote.refusals import refusal
from clara_cli.remote.streams import chunk_size, parallel
from clara_cli.server.codes import header_of


@pytest.mark.parametrize(
    ("text", "port", "target", "secure"),
    [
        ("host", None, "host:30031", False),
        ("host:1", None, "host:1", False),
        ("host", 7, "host:7", False),
        ("host:1", 7, "host:1", False),
        (" 10.0.0.1 ", None, "10.0.0.1:30031", False),
        ("::1", None, "[::1]:30031", False),
        ("[fe80::1]:5", None, "[fe80::1]:5", False),
        ("http://host/", None, "host:30031", False),
        ("https://host:443/", None, "host:443", True),
    ],
)
def test_addresses(text: str, port: int | None, target: str, secure: bool) -> None:
    assert platform_at(text, port) == PlatformAddress(target, secure)


@pytest.mark.parametrize(
    "text", ["", " ", "a b", "host:", "host:x", "host:70000", "user@host", "host/path", "[::1", "a\nb"]
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        platform_at(text)


@pytest.mark.parametrize(
    "error",
    [
        *(NotFound("x", "do", kind="job"), NotFound("x"), StateConflict("x", "do"), UsageError("x")),
        *(DefinitionError("x", hint="do"), ConfigError("x")),
    ],
)
def test_errors_keep_their_kind_and_words(error: ClaraError) -> None:
    header = header_of(error, "Commands", "DeleteJobs")
    back = refusal(header.code, list(header.messages))
    assert (type(back), back.message, back.hint) == (type(error), error.message, error.hint)
    assert back.exit_code == error.exit_code


def test_codes_that_are_not_known() -> None:
    assert type(refusal(-12345, ["x"])) is ClaraError
    assert "code -12345" in refusal(-12345, []).message


def test_ids_from_a_list() -> None:
    ids = ["ab12" + "0" * 28, "ab13" + "0" * 28]
    assert among(ids, "AB-12", "job") == ids[0] and among(ids, ids[1], "job") == ids[1]
    for text, said in (("ab", "could be more than one job"), ("f", 'no job with id "f"'), ("xyz", "is not a job id")):
        with pytest.raises(NotFound, match=said):
            among(ids, text, "job")
    assert whole(ids[0].upper(), "job") == ids[0] and whole("ab", "job") is None


def test_streams() -> None:
    assert (parallel({}), chunk_size({})) == (8, 1 << 20)
    assert parallel({"GRPC_PARALLEL_STREAMS": "64"}) == 64 and chunk_size({"GRPC_CHUNK_SIZE": "1024"}) == 1024
    for text in ("0", "65", "x", "-1", "1.5", "²"):
        with pytest.raises(ConfigError, match="GRPC_PARALLEL_STREAMS"):
            parallel({"GRPC_PARALLEL_STREAMS": text})
    with pytest.raises(ConfigError, match="from 1024 to 4193792"):
        chunk_size({"GRPC_CHUNK_SIZE": str(4 << 20)})
