"""Files of payloads: how they arrive, what is refused, and that nothing is left of an upload that broke."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from platform_support import ECHO, Client, Server, accepted, chunks, refusal, server_in
from support import wait_until

from clara_cli.server.wire import payloads_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.channel() as channel:
        yield Client(channel)


@pytest.fixture
def payload(client: Client) -> Identifier:
    """A reusable payload."""
    return accepted(client.payloads.Create(wire.PayloadsCreateRequest())).payload_id


def part(name: str, data: bytes = b"", payload: Identifier | None = None, mode: int = 0) -> Any:
    return wire.PayloadsUploadRequest(
        payload_id=payload, details=wire.PayloadFileDetails(name=name, mode=mode), data=data
    )


def left_aside(server: Server) -> list[str]:
    return [path.name for path in (server.root / "payloads").glob(".incoming-*")]


@pytest.mark.parametrize("name", ["../x", "/../x", "a/../../x", "..", "", "/", "./", "a/", "a\0b", "x" * 300])
def test_a_name_that_is_none_is_refused(client: Client, payload: Identifier, server: Server, name: str) -> None:
    code, text = refusal(client.payloads.Upload(iter([part(name, b"x", payload)])))
    assert code in (-0x3100, -0x3300), text
    assert client.files(payload) == {} and left_aside(server) == []


@pytest.mark.parametrize("name", ["/x/y", "./x/y", "x/y", "x//y", ".//x/./y"])
def test_spellings_of_one_name(client: Client, payload: Identifier, name: str) -> None:
    assert client.upload(payload, name, b"abc").details.name == name
    assert client.files(payload) == {"/x/y": 3}
    assert client.download(payload, name) == b"abc"


def test_a_file_takes_the_place_of_the_one_with_its_name(client: Client, payload: Identifier) -> None:
    client.upload(payload, "a", b"old")
    client.upload(payload, "a", b"the new one")
    client.upload(payload, "A", b"another one")
    assert client.files(payload) == {"/A": 11, "/a": 11}
    assert client.download(payload, "a") == b"the new one"


def test_case_counts_only_where_it_has_to(client: Client, payload: Identifier) -> None:
    for name in ("Scan/One.dcm", "scan/ONE.dcm", "Other"):
        client.upload(payload, name, name.encode())
    assert client.download(payload, "scan/ONE.dcm") == b"scan/ONE.dcm"
    assert client.download(payload, "OTHER") == b"Other"
    code, text = refusal(
        client.payloads.Download(wire.PayloadsDownloadRequest(payload_id=payload, name="scan/one.dcm"))
    )
    assert code == -0x3101 and "/Scan/One.dcm, /scan/ONE.dcm" in text


def test_many_small_pieces_are_one_file(client: Client, payload: Identifier) -> None:
    data = bytes(range(256)) * 20
    assert client.upload(payload, "small", data, 1).details.size == len(data)
    assert client.download(payload, "small") == data


def test_a_folder_is_no_file(client: Client, payload: Identifier) -> None:
    client.upload(payload, "folder/file", b"x")
    assert refusal(client.payloads.Upload(iter([part("folder", b"x", payload)])))[0] == -0x3300
    assert refusal(client.payloads.Upload(iter([part("folder/file/below", b"x", payload)])))[0] == -0x3300
    for method, request in (
        (client.payloads.Download, wire.PayloadsDownloadRequest),
        (client.payloads.Remove, wire.PayloadsRemoveRequest),
    ):
        code, text = refusal(method(request(payload_id=payload, name="folder")))
        assert code == -0x3101 and "folder" in text
    assert client.files(payload) == {"/folder/file": 1}


def test_the_mode_is_kept_and_the_owner_can_always_read(client: Client, payload: Identifier, server: Server) -> None:
    for name, mode in (("plain", 0), ("program", 0o755), ("odd", 0o100007), ("special", 0o4711)):
        accepted(client.payloads.Upload(iter([part(name, b"x", payload, mode)])))
    folder = server.root / "payloads" / payload.value
    assert {path.name: path.stat().st_mode & 0o7777 for path in folder.iterdir()} == {
        "plain": 0o644,
        "program": 0o755,
        "odd": 0o607,
        "special": 0o711,
    }


def test_a_second_payload_or_a_name_that_comes_again_ends_an_upload(client: Client, payload: Identifier) -> None:
    other = accepted(client.payloads.Create(wire.PayloadsCreateRequest())).payload_id
    code, _ = refusal(client.payloads.Upload(iter([part("a", b"x", payload), part("b", b"x", other)])))
    assert code == -0x0002
    again = iter([part("a", b"x", payload), part("b", b"x"), part("./a", b"y")])
    code, text = refusal(client.payloads.Upload(again))
    assert code == -0x3100 and "twice" in text
    assert client.files(payload) == client.files(other) == {}


@pytest.mark.parametrize("identity", ["", "x" * 32, "12", "0" * 33, "../" * 11])
def test_a_malformed_id_is_refused(client: Client, identity: str) -> None:
    code, text = refusal(client.payloads.Upload(chunks(Identifier(value=identity), "a", b"x")))
    assert code == -0x3000 and "32 hexadecimal digits" in text
    request = wire.PayloadsDetailsRequest(payload_id=Identifier(value=identity))
    assert refusal(client.payloads.Details(request))[0] == -0x3000


@pytest.mark.parametrize("when", ["while it sends", "while it waits"])
def test_a_broken_stream_leaves_nothing(client: Client, payload: Identifier, server: Server, when: str) -> None:
    """Many times, because to the server breaking off looks much like the end."""
    client.upload(payload, "whole", b"before")
    for size in [*range(1, 40), 3_000_000, 3_000_000]:
        go_on = threading.Event()

        def some(size: int = size, go_on: threading.Event = go_on) -> Iterator[Any]:
            yield part("done", b"x" * size, payload)
            yield part("whole", b"y" * size)
            yield part("partly", b"z" * size)
            if when == "while it waits":
                go_on.wait(10)
            while not go_on.is_set():
                yield part("partly", b"z" * size)

        call = client.payloads.Upload.future(some())
        wait_until(lambda: left_aside(server), "the upload's folder")
        call.cancel()
        go_on.set()
        with pytest.raises(grpc.FutureCancelledError):
            call.result()
        wait_until(lambda: not left_aside(server), "the end of the upload's folder")
        assert client.files(payload) == {"/whole": 6}, f"in the round with {size} bytes"
    assert client.download(payload, "whole") == b"before"


def test_links_out_of_a_payload_are_not_followed(client: Client, payload: Identifier, server: Server) -> None:
    folder = server.root / "payloads" / payload.value
    secret = server.folder / "secret"
    secret.mkdir(exist_ok=True)
    (secret / "file").write_text("secret")
    (folder / "link").symlink_to(secret / "file")
    (folder / "folder").symlink_to(secret)
    (folder / "inside").write_text("x")
    (folder / "good").symlink_to("inside")
    assert client.files(payload) == {"/inside": 1, "/good": 1}
    assert client.download(payload, "good") == b"x"
    for name in ("link", "folder/file"):
        refusal(client.payloads.Download(wire.PayloadsDownloadRequest(payload_id=payload, name=name)))
    refusal(client.payloads.Upload(chunks(payload, "folder/new", b"x")))
    refusal(client.payloads.Remove(wire.PayloadsRemoveRequest(payload_id=payload, name="folder/file")))
    assert [path.name for path in secret.iterdir()] == ["file"]


def test_only_input_and_operators_of_a_jobs_payload_are_shown(client: Client, server: Server) -> None:
    job = client.job(client.pipeline(ECHO))
    folder = server.root / "payloads" / job.payload_id.value
    (folder / "other").write_text("x")
    (folder / "operators" / "echo").mkdir()
    (folder / "operators" / "echo" / "Result").write_text("12")
    client.upload(job.payload_id, "a", b"1")
    assert client.files(job.payload_id) == {"/input/a": 1, "/operators/echo/Result": 2}
    found = next(client.payloads.Details(wire.PayloadsDetailsRequest(payload_id=job.payload_id)))
    assert (found.type, found.job_id, found.payload_id) == (wire.PAYLOAD_TYPE_PIPELINE, job.job_id, job.payload_id)


def test_limits(tmp_path: Path) -> None:
    """Too much, too slow, and a disk that is too full; each is said, and nothing is kept."""
    limits = "platform: {max_upload: 1M, idle: 1}\n"
    with server_in(tmp_path / "small", configuration=limits) as server, server.channel() as channel:
        client = Client(channel)
        payload = accepted(client.payloads.Create(wire.PayloadsCreateRequest())).payload_id
        client.upload(payload, "fits", b"x" * (1 << 20))
        code, text = refusal(client.payloads.Upload(chunks(payload, "large", b"x" * ((1 << 20) + 1))))
        assert code == -0x3301 and "1.0 MiB" in text

        def trickle() -> Iterator[Any]:
            yield part("slow", b"x", payload)
            while not done.wait(0.2):
                yield part("slow", b"x")

        done = threading.Event()
        code, text = refusal(client.payloads.Upload(trickle()))
        done.set()
        assert code == -0x0005 and "4096 bytes" in text
        assert client.files(payload) == {"/fits": 1 << 20} and left_aside(server) == []
    limits = "platform: {storage_percent: 1}\n"
    with server_in(tmp_path / "full", configuration=limits) as server, server.channel() as channel:
        client = Client(channel)
        payload = accepted(client.payloads.Create(wire.PayloadsCreateRequest())).payload_id
        code, text = refusal(client.payloads.Upload(chunks(payload, "a", b"x")))
        assert code == -0x0006 and "1 percent at most" in text and "storage_percent" in text


def test_a_client_that_takes_nothing_is_left(tmp_path: Path) -> None:
    with server_in(tmp_path / "slow", configuration="platform: {idle: 1}\n") as server, server.channel() as channel:
        client = Client(channel)
        payload = accepted(client.payloads.Create(wire.PayloadsCreateRequest())).payload_id
        client.upload(payload, "large", b"x" * (64 << 20), 1 << 20)
        call = client.payloads.Download(wire.PayloadsDownloadRequest(payload_id=payload, name="large"))
        next(call)
        # Nothing more is taken: gRPC's own buffers fill, then the server waits for this client in vain.
        wait_until(lambda: not open_files(server, "large"), "the server to close the file", 20)
        with pytest.raises(grpc.RpcError) as ended:
            for _ in call:
                pass
        assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED  # type: ignore[attr-defined]


def open_files(server: Server, name: str) -> list[Path]:
    links = [path.readlink() for path in Path(f"/proc/{server.pid}/fd").iterdir() if path.is_symlink()]
    return [link for link in links if link.name == name]
