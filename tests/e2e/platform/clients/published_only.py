"""A server of the published services alone, as other platforms have; words: the root, and perhaps a token."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc

from clara_cli.config import Config
from clara_cli.root import Root
from clara_cli.server.clara import Clara
from clara_cli.server.jobs import Jobs
from clara_cli.server.models import Models
from clara_cli.server.payloads import Payloads
from clara_cli.server.pipelines import Pipelines
from clara_cli.server.platform import Platform
from clara_cli.server.rpc import service_handler
from clara_cli.server.wire import clara_pb2, jobs_pb2, models_pb2, payloads_pb2, pipelines_pb2
from clara_cli.server.workers import Workers


class Token(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Lets in who shows the token."""

    def __init__(self, token: str) -> None:
        self._expected = ("authorization", f"Bearer {token}")

        async def refuse(_: Any, context: Any) -> None:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is not the one that was expected")

        self._refusal = grpc.unary_unary_rpc_method_handler(refuse)

    async def intercept_service(self, proceed: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        shown = self._expected in [tuple(item) for item in details.invocation_metadata]
        return await proceed(details) if shown else self._refusal


async def main() -> None:
    root = Root(Path(sys.argv[1]))
    platform = Platform(root, Config(), None, Workers(root, 4, "quick"), Workers(root, 4, "slow"))
    server = grpc.aio.server(interceptors=[Token(token) for token in sys.argv[2:]])
    for module, service in (
        (clara_pb2, Clara(platform, None)),
        (jobs_pb2, Jobs(platform)),
        (payloads_pb2, Payloads(platform)),
        (pipelines_pb2, Pipelines(platform)),
        (models_pb2, Models(platform)),
    ):
        server.add_generic_rpc_handlers((service_handler(module, service, platform.config.platform),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


asyncio.run(main())
