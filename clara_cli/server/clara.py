"""The Clara service: version, use of GPUs, and the end of the server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable

from clara_cli.platform_limits import PLATFORM_VERSION
from clara_cli.server import codes, gpus
from clara_cli.server.codes import Refusal
from clara_cli.server.platform import Platform
from clara_cli.server.timestamps import gpu_time
from clara_cli.server.wire.clara_pb2 import (
    ClaraStopRequest,
    ClaraStopResponse,
    ClaraUtilizationRequest,
    ClaraUtilizationResponse,
    ClaraVersionRequest,
    ClaraVersionResponse,
)
from clara_cli.server.wire.common_pb2 import Identifier, ResponseHeader, Version

# Seconds between two messages of a watched utilization.
_INTERVAL = 2.0
# Seconds for which what was seen of the GPUs is told to others too.
_FRESH = 0.5

_Gpu = ClaraUtilizationResponse.GpuUtilization


class Clara:
    """The service.

    Args:
        stop: asks the server to end, once the answer is out; None where nobody may ask for that.
    """

    def __init__(self, platform: Platform, stop: Callable[[], None] | None) -> None:
        self._platform = platform
        self._stop = stop
        self._looking: asyncio.Future[list[gpus.Gpu]] | None = None
        self._looked = 0.0

    async def version(self, request: ClaraVersionRequest) -> ClaraVersionResponse:
        major, minor, patch = map(int, PLATFORM_VERSION.split("."))
        return ClaraVersionResponse(header=ResponseHeader(), version=Version(major=major, minor=minor, patch=patch))

    async def stop(self, request: ClaraStopRequest) -> ClaraStopResponse:
        """Jobs have processes of their own and go on."""
        if self._stop is None:
            raise Refusal(
                codes.REFUSED,
                "this server can be reached from other machines without a certificate, so it is not stopped this way",
                "clara platform stop, on the machine of the server",
            )
        self._stop()
        return ClaraStopResponse(header=ResponseHeader())

    async def utilization(self, request: ClaraUtilizationRequest) -> AsyncIterator[ClaraUtilizationResponse]:
        while True:
            found = await self._look()
            yield ClaraUtilizationResponse(
                header=ResponseHeader(), gpu_metrics=[_metrics(gpu, request.watch) for gpu in found]
            )
            if not request.watch:
                return
            await asyncio.sleep(_INTERVAL)

    async def _look(self) -> list[gpus.Gpu]:
        """Once for all who ask at that time: it takes a process, and a driver may be slow to answer."""
        now = asyncio.get_running_loop().time()
        if self._looking is None or (self._looking.done() and now - self._looked > _FRESH):
            self._looking, self._looked = asyncio.ensure_future(self._platform.slow.run(gpus.look)), now
        return await asyncio.shield(self._looking)


def _metrics(gpu: gpus.Gpu, watch: bool) -> _Gpu:
    return _Gpu(
        node_id=os.uname().nodename,
        pcie_id=gpu.pcie_id,
        compute_utilization=gpu.compute,
        memory_free=gpu.memory_free,
        memory_used=gpu.memory_used,
        memory_utilization=gpu.memory_used / max(gpu.memory_used + gpu.memory_free, 1),
        timestamp=gpu_time(gpu.time),
        process_details=[
            _Gpu.ProcessDetails(name=process.name, job_id=Identifier(value=process.job_id) if process.job_id else None)
            for process in gpu.processes
            # NVIDIA's client raises when it watches and a process is of no job.
            if process.job_id or not watch
        ],
    )
