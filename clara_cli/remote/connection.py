"""The connection to a platform: what is called, what its answers and its silence mean."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Protocol

# What gRPC itself has to say would come between the lines of a command.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
import grpc

from clara_cli.config import Config
from clara_cli.errors import ClaraError, ConfigError, RuntimeFailure
from clara_cli.platform_address import is_loopback, platform_at
from clara_cli.remote.refusals import refusal
from clara_cli.server.stub import Stub

# Bytes of one answer.
_LARGEST = 64 << 20
_MINUTE = 60_000
_NO_TOKEN = re.compile(r"[^\x21-\x7e]")


class NotServed(ClaraError):
    """The platform does not know a call."""


class Call(Protocol):
    """A method of a service, as gRPC calls it."""

    def __call__(self, request: Any, *, metadata: Any) -> Any: ...

    def future(self, request: Any, *, metadata: Any) -> Any: ...


class Connection:
    """A platform's services. Nothing is sent before the first call.

    Args:
        command: what the user called, for messages.

    Raises:
        ConfigError: a file for TLS or the token cannot be used.
    """

    def __init__(self, config: Config, command: str) -> None:
        assert config.host is not None
        self.address = platform_at(config.host, config.port)
        self._command = command
        self._secure = self.address.secure or bool(config.tls)
        self._metadata = _metadata(config)
        options = [
            ("grpc.max_receive_message_length", _LARGEST),
            ("grpc.max_send_message_length", -1),
            # A platform that vanished is found by asking.
            ("grpc.keepalive_time_ms", _MINUTE),
            ("grpc.keepalive_timeout_ms", _MINUTE // 3),
        ]
        if self._secure:
            self._channel = grpc.secure_channel(self.address.target, _credentials(config), options)
        else:
            self._channel = grpc.insecure_channel(self.address.target, options)

    @property
    def exposed(self) -> bool:
        """Whether others on the way to the platform can read the token."""
        host = self.address.target.rpartition(":")[0].strip("[]")
        return bool(self._metadata) and not self._secure and not is_loopback(host)

    def close(self) -> None:
        self._channel.close()

    @cached_property
    def clara(self) -> Stub:
        from clara_cli.server.wire import clara_pb2

        return Stub(self._channel, clara_pb2)

    @cached_property
    def jobs(self) -> Stub:
        from clara_cli.server.wire import jobs_pb2

        return Stub(self._channel, jobs_pb2)

    @cached_property
    def payloads(self) -> Stub:
        from clara_cli.server.wire import payloads_pb2

        return Stub(self._channel, payloads_pb2)

    @cached_property
    def pipelines(self) -> Stub:
        from clara_cli.server.wire import pipelines_pb2

        return Stub(self._channel, pipelines_pb2)

    @cached_property
    def models(self) -> Stub:
        from clara_cli.server.wire import models_pb2

        return Stub(self._channel, models_pb2)

    @cached_property
    def commands(self) -> Stub:
        """Clara's own service."""
        from clara_cli.server.wire import commands_pb2

        return Stub(self._channel, commands_pb2)

    def ask(self, call: Call, request: Any) -> Any:
        """The one answer to a call.

        Raises:
            NotServed: the platform does not know the call.
            RuntimeFailure: it cannot be reached, or does not let this caller in.
            ClaraError: what the platform says is wrong.
        """
        try:
            return self.checked(call(request, metadata=self._metadata))
        except grpc.RpcError as error:
            self.explain(error, call)

    def ask_often(self, call: Call, request: Any) -> Iterator[Any]:
        """The answers to a call, as they come; errors are those of `ask`."""
        stream = self.begin(call, request)
        try:
            for answer in stream:
                yield self.checked(answer)
        except grpc.RpcError as error:
            self.explain(error, call)
        finally:
            stream.cancel()

    def begin(self, call: Call, request: Any) -> Any:
        """A call whose answers are streamed: what is returned yields them, and can be cancelled."""
        return call(request, metadata=self._metadata)

    def begin_sending(self, call: Call, requests: Iterator[Any]) -> Any:
        """A call whose requests are streamed: what is returned has the answer, in the end, and can be cancelled."""
        return call.future(requests, metadata=self._metadata)

    def checked(self, answer: Any) -> Any:
        """The answer, unless its header tells of an error, which is raised."""
        if answer.header.code < 0:
            raise refusal(answer.header.code, list(answer.header.messages))
        return answer

    def explain(self, error: grpc.RpcError, call: object) -> NoReturn:
        """Raise what a call's failure means."""
        code, details = error.code(), " ".join((error.details() or "").split())
        where = f"the platform at {self.address}"
        if code is grpc.StatusCode.UNIMPLEMENTED:
            raise NotServed(
                f"{where} lacks what {self._command} needs: the call {_name(call)}",
                hint="a server of clara-cli of this version has it: clara platform start, on that machine",
            ) from error
        if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
            raise RuntimeFailure(
                f"{where} does not let this caller in: {details or code.name}",
                hint=("the token that was sent is another one; " if self._metadata else "")
                + "--token-file or `token_file` in the configuration names the file with its token",
            ) from error
        if code is grpc.StatusCode.UNAVAILABLE:
            said, hint = self._why_unavailable(details)
            raise RuntimeFailure(f"cannot reach {where}: {said}", hint=hint) from error
        raise RuntimeFailure(f"{where} failed: {details or code.name}") from error

    def _why_unavailable(self, details: str) -> tuple[str, str | None]:
        for pattern, said, hint in _REASONS:
            if re.search(pattern, details, re.IGNORECASE):
                return said, hint
        if re.search("socket closed|connection reset|broken pipe|end of tcp|goaway", details, re.IGNORECASE):
            if self._secure:
                hint = "if it asks for this caller's certificate: --tls-cert and --tls-key; without TLS: no --tls-ca"
                return "the connection was closed", hint
            return "the connection was closed", "if it wants TLS: --tls-ca, or `tls` in the configuration"
        return details.rpartition("last error: ")[2] or "no answer", None


# What gRPC says of a connection that does not come about → what to say of it, and what can be done.
_REASONS: Sequence[tuple[str, str, str | None]] = (
    ("connection refused", "nothing listens there", "clara platform status, on that machine, says where it listens"),
    (
        "dns resolution failed|domain name not found|name or service not known|name resolution",
        "there is no such host",
        None,
    ),
    (
        "wrong.version.number|tlsv1|http/1|record.layer|packet.length",
        "it does not speak TLS",
        "leave out --tls-ca and https://",
    ),
    (
        "certificate.verify.failed|self.signed|hostname verification|peer name|unknown.ca",
        "its certificate is not of an authority that is trusted here, or not for this name",
        "--tls-ca names the file with the authority's certificate",
    ),
    (
        "certificate.required|handshake.failure|bad.certificate",
        "it refuses this caller's certificate, or asks for one",
        "--tls-cert and --tls-key name the files",
    ),
    ("handshake|ssl", "no TLS connection comes about", "--tls-ca, or `tls` in the configuration, says how it is known"),
    ("timed out|timeout|no route|unreachable", "no answer from that host", None),
)


def _metadata(config: Config) -> tuple[tuple[str, str], ...]:
    if config.token_file is None:
        return ()
    token = _read(config.token_file).decode("utf-8", "replace").strip()
    if not token or _NO_TOKEN.search(token):
        raise ConfigError(f"{config.token_file} holds no token: expected one word of printable ASCII characters")
    return (("authorization", f"Bearer {token}"),)


def _credentials(config: Config) -> grpc.ChannelCredentials:
    if ("cert" in config.tls) != ("key" in config.tls):
        raise ConfigError("--tls-cert and --tls-key belong together: one of them is missing")
    ca, cert, key = (_read(config.tls[name]) if name in config.tls else None for name in ("ca", "cert", "key"))
    return grpc.ssl_channel_credentials(ca, key, cert)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _name(call: object) -> str:
    """`clara_cli.v1.Commands.DeleteJobs`."""
    method = getattr(call, "_method", b"")
    return (method.decode() if isinstance(method, bytes) else str(method)).strip("/").replace("/", ".")
