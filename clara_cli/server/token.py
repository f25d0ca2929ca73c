"""The token that calls have to show, where the server asks for one: `authorization: Bearer TOKEN` in their metadata."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health

from clara_cli.errors import ConfigError

_KEY, _SCHEME = "authorization", "bearer"
_SHORTEST = 16
_HINT = "(umask 077; openssl rand -hex 32 > FILE) makes one"
# Probes have no token, and learn nothing but that the server serves.
_OPEN = f"/{health.SERVICE_NAME}/"


def read_token(path: Path) -> bytes:
    """The token in a file.

    Raises:
        ConfigError: there is no such file, others can read it, or it holds no token.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4097)
    except OSError as error:
        raise ConfigError(f"cannot read the token in {path}: {error.strerror}", _HINT) from error
    if mode & 0o077:
        raise ConfigError(f"the token in {path} is open to other users (mode {mode:o})", f"chmod 600 {path}")
    token = text.strip()
    if not re.fullmatch(rb"[\x21-\x7e]{%d,4096}" % _SHORTEST, token):
        raise ConfigError(f"{path} holds no token: expected one word of at least {_SHORTEST} ASCII characters", _HINT)
    return token


class TokenCheck(grpc.aio.ServerInterceptor):
    """Lets calls through that show the token. The others are ended before anything they send is read."""

    def __init__(self, token: bytes) -> None:
        self._digest = _digest(token)
        self._refusal: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(_refuse)

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], call: grpc.HandlerCallDetails
    ) -> Any:
        if call.method.startswith(_OPEN) or self._is_shown(call.invocation_metadata):
            return await continuation(call)
        return self._refusal

    def _is_shown(self, metadata: Any) -> bool:
        for key, value in metadata or ():
            if key == _KEY:
                text = value if isinstance(value, bytes) else value.encode()
                scheme, _, token = text.partition(b" ")
                # Digests are of one length, so that the time it takes says nothing.
                shown = hmac.compare_digest(_digest(token.strip()), self._digest)
                return shown and scheme.lower() == _SCHEME.encode()
        return False


async def _refuse(_: Any, context: Any) -> None:
    await context.abort(
        grpc.StatusCode.UNAUTHENTICATED, "this server asks for a token: `authorization: Bearer TOKEN` as call metadata"
    )


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
