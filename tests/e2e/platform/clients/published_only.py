"""A server of the published services alone, as other platforms have; word: the root."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

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


async def main() -> None:
    root = Root(Path(sys.argv[1]))
    platform = Platform(root, Config(), None, Workers(root, 4, "quick"), Workers(root, 4, "slow"))
    server = grpc.aio.server()
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
