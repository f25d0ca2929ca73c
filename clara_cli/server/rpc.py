"""From the methods of a service to gRPC: every error becomes an answer, and nobody may be silent for too long.

A service is an object with one coroutine for each method, named in snake case, that takes the request (an iterator of
requests where they are streamed) and returns the answer (yields answers where they are streamed). Where messages are
many and large, `read_METHOD` may say how a request is read, and an answer may be bytes.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from types import ModuleType
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import MethodDescriptorProto, ServiceDescriptorProto
from google.protobuf.message import DecodeError, Message

from clara_cli.errors import ClaraError
from clara_cli.platform_limits import PlatformLimits
from clara_cli.server import codes
from clara_cli.server.patience import Patience, SilentClient
from clara_cli.server.wire.common_pb2 import ResponseHeader

log = logging.getLogger("clara.platform")
Context = grpc.aio.ServicerContext[Any, Any]
# Bytes of a request that is not streamed: gRPC's own limit where nobody sets another.
_LARGEST = 4 << 20


def service_handler(module: ModuleType, service: object, limits: PlatformLimits) -> grpc.GenericRpcHandler:
    """The handler of the one service that a module of the wire contract describes."""
    (described,) = module.DESCRIPTOR.services_by_name.values()
    proto = ServiceDescriptorProto()
    described.CopyToProto(proto)
    handlers = {method.name: _Method(module, method, service, limits).handler() for method in proto.method}
    return grpc.method_handlers_generic_handler(described.full_name, handlers)


class _Method:
    """One method, as gRPC calls it."""

    def __init__(
        self, module: ModuleType, described: MethodDescriptorProto, service: object, limits: PlatformLimits
    ) -> None:
        self._described = described
        self._service = type(service).__name__
        self._function: Callable[[Any], Any] = getattr(service, _snake_case(described.name))
        self._request: type[Message] = getattr(module, described.input_type.rpartition(".")[2])
        own: Callable[[bytes], Any] | None = getattr(service, f"read_{_snake_case(described.name)}", None)
        self._from_bytes = own or self._request.FromString
        self._response: Callable[..., Message] = getattr(module, described.output_type.rpartition(".")[2])
        self._limits = limits

    def handler(self) -> grpc.RpcMethodHandler[Any, Any]:
        """Every request is read as a stream, of one message where it is none: gRPC would wait for that one for ever."""
        if self._described.server_streaming:
            return grpc.stream_stream_rpc_method_handler(self._answer_stream, None, _to_bytes)
        return grpc.stream_unary_rpc_method_handler(self._answer, None, _to_bytes)

    async def _answer(self, requests: AsyncIterator[bytes], context: Context) -> Message | bytes:
        try:
            with self._patience() as patience:
                streamed = self._described.client_streaming
                answer: Message | bytes = await self._function(
                    self._stream(requests, context, patience) if streamed else await self._only(requests, patience)
                )
                return answer
        except SilentClient:
            limits = self._limits
            text = f"less than {limits.slowest} bytes came in {limits.idle:g} s; nothing was kept"
            return self._failure(codes.Refusal(codes.SILENT, text))
        except Exception as error:
            return self._failure(error)

    async def _answer_stream(self, requests: AsyncIterator[bytes], context: Context) -> None:
        """Written and not yielded, so that a client that takes nothing can be left."""
        with self._patience() as patience:
            try:
                try:
                    async with aclosing(self._function(await self._only(requests, patience))) as answers:
                        async for answer in answers:
                            await _send(answer, context, patience)
                except (SilentClient, grpc.aio.AbortError):
                    raise
                except Exception as error:
                    await _send(self._failure(error), context, patience)
            except SilentClient:
                text = f"the client sent or took nothing for {self._limits.idle:g} s"
                await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, text)

    async def _only(self, requests: AsyncIterator[bytes], patience: Patience) -> Any:
        """The request, where they are not streamed."""
        try:
            return self._read(await patience.wait(anext(requests)))
        except StopAsyncIteration:
            raise codes.Refusal(codes.MALFORMED_REQUEST, "the call has no request") from None

    async def _stream(self, requests: AsyncIterator[bytes], context: Context, patience: Patience) -> AsyncIterator[Any]:
        """The requests, as long as they come fast enough, until the client says that these were all."""
        while True:
            try:
                request = await patience.wait(anext(requests))
            except StopAsyncIteration:
                # A client that broke off looks like one that has finished. Only to the latter something can be sent.
                await context.send_initial_metadata(())
                return
            patience.passed(len(request))
            yield self._read(request)

    def _read(self, request: bytes) -> Any:
        if not self._described.client_streaming and len(request) > _LARGEST:
            text = f"a request of {self._described.name} has at most {_LARGEST} bytes, not {len(request)}"
            raise codes.Refusal(codes.MALFORMED_REQUEST, text)
        # Read here and not by gRPC, which would answer nonsense with an error of its own and a stack in the log.
        try:
            return self._from_bytes(request)
        except DecodeError as error:
            text = f"the request is no {self._request.DESCRIPTOR.full_name}"
            raise codes.Refusal(codes.MALFORMED_REQUEST, text) from error

    def _patience(self) -> Patience:
        return Patience(self._limits.idle, self._limits.slowest)

    def _failure(self, error: Exception) -> Message:
        method = self._described.name
        if isinstance(error, ClaraError):
            return self._response(header=codes.header_of(error, self._service, method))
        log.error("%s.%s failed", self._service, method, exc_info=error)
        text = f"the platform server itself failed ({type(error).__name__}); its log says more"
        return self._response(header=ResponseHeader(code=codes.INTERNAL, messages=[text]))


async def _send(answer: Message | bytes, context: Context, patience: Patience) -> None:
    message = _to_bytes(answer)
    try:
        await patience.wait(context.write(message))
    except grpc.aio.InternalError as error:
        # The client hung up while this was on its way; what waits for it is to end as it does everywhere else then.
        raise asyncio.CancelledError from error
    patience.passed(len(message))


def _to_bytes(answer: Message | bytes) -> bytes:
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
