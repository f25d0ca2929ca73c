"""A gRPC server that does as little as it can, to compare with: `python echo_server.py threads|asyncio FOLDER`.

It prints its port, and ends when its stdin does. What it answers to Status and List it is told by the first calls.
Store and Load have a file in FOLDER, written and read in the plainest way.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from clara_cli.server.wire.payloads_pb2 import PayloadsDownloadResponse, PayloadsUploadRequest

# Of the same size and kind as an answer with a chunk of a file.
CHUNK = PayloadsDownloadResponse(data=bytes(1 << 20)).SerializeToString()
FILE = Path(sys.argv[2]) / "file"


class Threads:
    """Methods of a server with a thread for each call."""

    def same(self, request: bytes, _: Any) -> bytes:
        return request

    def many(self, request: bytes, _: Any) -> Iterator[bytes]:
        for _count in range(1000):
            yield request

    def take(self, requests: Iterator[bytes], _: Any) -> bytes:
        for _request in requests:
            pass
        return b""

    def give(self, request: bytes, _: Any) -> Iterator[bytes]:
        for _count in range(int(request)):
            yield CHUNK

    def store(self, requests: Iterator[bytes], _: Any) -> bytes:
        with FILE.open("wb") as file:
            for request in requests:
                file.write(PayloadsUploadRequest.FromString(request).data)
        return b""

    def load(self, request: bytes, _: Any) -> Iterator[bytes]:
        with FILE.open("rb") as file:
            while data := file.read(int(request)):
                yield PayloadsDownloadResponse(data=data).SerializeToString()


class Asyncio:
    """The same on one thread."""

    async def same(self, request: bytes, _: Any) -> bytes:
        return request

    async def many(self, request: bytes, _: Any) -> AsyncIterator[bytes]:
        for _count in range(1000):
            yield request

    async def take(self, requests: AsyncIterator[bytes], _: Any) -> bytes:
        async for _request in requests:
            pass
        return b""

    async def give(self, request: bytes, _: Any) -> AsyncIterator[bytes]:
        for _count in range(int(request)):
            yield CHUNK

    async def store(self, requests: AsyncIterator[bytes], _: Any) -> bytes:
        with FILE.open("wb") as file:
            async for request in requests:
                file.write(PayloadsUploadRequest.FromString(request).data)
        return b""

    async def load(self, request: bytes, _: Any) -> AsyncIterator[bytes]:
        with FILE.open("rb") as file:
            while data := file.read(int(request)):
                yield PayloadsDownloadResponse(data=data).SerializeToString()


def handler(methods: Any) -> Any:
    return grpc.method_handlers_generic_handler(
        "Echo",
        {
            "Same": grpc.unary_unary_rpc_method_handler(methods.same),
            "Many": grpc.unary_stream_rpc_method_handler(methods.many),
            "Take": grpc.stream_unary_rpc_method_handler(methods.take),
            "Give": grpc.unary_stream_rpc_method_handler(methods.give),
            "Store": grpc.stream_unary_rpc_method_handler(methods.store),
            "Load": grpc.unary_stream_rpc_method_handler(methods.load),
        },
    )


OPTIONS = [("grpc.max_receive_message_length", 64 << 20)]


def threads() -> None:
    server = grpc.server(ThreadPoolExecutor(8), options=OPTIONS)
    server.add_generic_rpc_handlers((handler(Threads()),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(None)


async def on_one_thread() -> None:
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((handler(Asyncio()),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True).start()
    await ended.wait()
    await server.stop(None)


if __name__ == "__main__":
    threads() if sys.argv[1] == "threads" else asyncio.run(on_one_thread())
