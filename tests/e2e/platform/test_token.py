"""A server that asks for a token: nothing is answered without it, whoever asks and whatever they send."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from platform_support import CLIENTS, Client, Server, accepted, chunks, every_method, server_in

from clara_cli.server.wire import clara_pb2, payloads_pb2

TOKEN = "tops3cret-tops3cret"
VERSION = "/nvidia.clara.platform.Clara/Version"


@pytest.fixture(scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("token") / "token"
    file.touch(0o600)
    file.write_text(f"{TOKEN}\n")
    return file


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, token_file: Path) -> Iterator[Server]:
    with server_in(tmp_path_factory.mktemp("platform"), "--token-file", str(token_file)) as running:
        yield running


def version(channel: grpc.Channel, *metadata: tuple[str, str | bytes]) -> Any:
    call = channel.unary_unary(VERSION, None, clara_pb2.ClaraVersionResponse.FromString)
    return call(b"", metadata=metadata, timeout=10)


def test_the_token_lets_in(server: Server) -> None:
    assert "TOKEN: yes" in server.clara("platform", "status").stdout.splitlines()
    with server.channel() as channel:
        for text in (f"Bearer {TOKEN}", f"bearer  {TOKEN} "):
            assert accepted(version(channel, ("authorization", text))).version.minor == 8


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", f"Bearer {TOKEN}x")],
        [("authorization", f"Bearer {TOKEN[:-1]}")],
        [("authorization", f"Bearer {TOKEN.upper()}")],
        [("authorization", f"Basic {TOKEN}")],
        [("authorization", TOKEN)],
        [("authorization", f"Bearer x {TOKEN}")],
        [("authorization-bin", f"Bearer {TOKEN}".encode())],
        [("x-authorization", f"Bearer {TOKEN}")],
        [("authorization", "Bearer wrong"), ("authorization", f"Bearer {TOKEN}")],
    ],
)
def test_nothing_else_does(server: Server, metadata: list[tuple[str, str | bytes]]) -> None:
    with server.channel() as channel, pytest.raises(grpc.RpcError) as refused:
        version(channel, *metadata)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
    assert "authorization: Bearer TOKEN" in refused.value.details()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [*every_method(), "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"])
def test_no_method_answers_without_it(server: Server, name: str) -> None:
    """Not even one that waits for what a client sends: it is not waited for."""
    silent = threading.Event()

    def nothing() -> Iterator[bytes]:
        silent.wait(20)
        yield from ()

    with server.channel() as channel:
        call = channel.stream_stream(f"/{name}")(nothing())
        with pytest.raises(grpc.RpcError) as refused:
            list(call)
        silent.set()
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]


def test_an_upload_without_it_leaves_nothing(server: Server) -> None:
    with server.channel() as channel:
        metadata = (("authorization", f"Bearer {TOKEN}"),)
        create = payloads_pb2.PayloadsCreateRequest()
        payload = accepted(Client(channel).payloads.Create(create, metadata=metadata)).payload_id
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            Client(channel).payloads.Upload(chunks(payload, "a", b"x" * 1_000_000))
    assert list((server.root / "payloads" / payload.value).iterdir()) == []


def test_probes_need_none(server: Server) -> None:
    with server.channel() as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            channel.unary_unary("/grpc.health.v1.HealthX/Check")(b"", timeout=10)


def test_nvidias_client_shows_it_by_a_channel_of_ones_own(server: Server, real_client: Path) -> None:
    command = [real_client, CLIENTS / "with_token.py", server.address, TOKEN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "refused without it\nno jobs\n2\n"), done.stderr


def test_a_token_by_the_configuration_and_after_a_restart(tmp_path: Path, token_file: Path) -> None:
    configuration = f"platform: {{token_file: {token_file}}}\n"
    with server_in(tmp_path / "own", configuration=configuration) as server:
        server.clara("platform", "restart")
        with server.channel() as channel:
            with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
                version(channel)
            assert accepted(version(channel, ("authorization", f"Bearer {TOKEN}")))


def test_a_restart_elsewhere_keeps_the_token(tmp_path: Path, token_file: Path) -> None:
    with server_in(tmp_path / "own", "--token-file", str(token_file)) as server:
        said = server.clara("platform", "restart", "--address", "0.0.0.0", code=2)
        assert "can be reached from other machines" in said.stderr
        assert "STATE: running" in server.clara("platform", "status").stdout, "it was stopped for nothing"
        out = server.clara("platform", "restart", "--address", "localhost", "--port", "0").stdout.splitlines()
        assert "TOKEN: yes" in out
        (address,) = (line.partition(" ")[2] for line in out if line.startswith("ADDRESS: "))
        assert address.startswith("localhost:") and address != server.address
        with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            version(channel)


def test_a_token_that_is_configured_later_counts_after_a_restart(tmp_path: Path, token_file: Path) -> None:
    with server_in(tmp_path / "own") as server, server.channel() as channel:
        assert accepted(version(channel))
        server.configure(f"platform: {{token_file: {token_file}}}\n")
        server.clara("platform", "restart")
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            version(channel)


def test_a_token_that_cannot_be_used(tmp_path: Path) -> None:
    server = Server(tmp_path / "own")
    server.folder.mkdir()
    file = tmp_path / "token"
    said = server.clara("platform", "start", "--token-file", file, code=1)
    assert f"cannot read the token in {file}" in said.stderr and "openssl rand" in said.stderr
    file.touch(0o644)
    file.write_text(TOKEN)
    file.chmod(0o644)
    said = server.clara("platform", "start", "--token-file", file, code=1)
    assert "open to other users" in said.stderr and f"chmod 600 {file}" in said.stderr
    server.clara("platform", "status", code=3)


def test_a_token_beyond_loopback_without_tls_is_warned_of(tmp_path: Path, token_file: Path) -> None:
    words = ["--address", "0.0.0.0", "--insecure", "--token-file", str(token_file)]
    with server_in(tmp_path / "own", *words) as server:
        assert "Warning: without TLS whoever listens" in server.clara("platform", "status").stderr
