"""Pipelines."""

from __future__ import annotations

import os
import posixpath
from collections.abc import AsyncIterator

from clara_cli.pipelines.load import load_files
from clara_cli.pipelines.source import MAX_BYTES
from clara_cli.quantities import show_size
from clara_cli.server import codes
from clara_cli.server.codes import Refusal
from clara_cli.server.commands.asking import Asking, header
from clara_cli.server.commands.asking import parts as pieces
from clara_cli.server.records import fill
from clara_cli.server.wire import commands_pb2 as wire
from clara_cli.site.local import LocalSite


class PipelineCommands(Asking):
    async def list_pipelines(self, _: wire.ListRequest) -> AsyncIterator[wire.PipelinesResponse]:
        for piece in pieces(await self._ask(lambda site: site.pipelines.list())):
            yield wire.PipelinesResponse(header=header(), pipelines=[fill(wire.Pipeline(), item) for item in piece])

    async def describe_pipeline(self, request: wire.TextRequest) -> wire.PipelinesResponse:
        found = await self._ask(lambda site: site.pipelines.describe(request.text))
        return wire.PipelinesResponse(header=header(), pipelines=[fill(wire.Pipeline(), found)])

    async def store_pipeline(self, requests: AsyncIterator[wire.StorePipelineRequest]) -> wire.IdsResponse:
        """The files given are all there is: nothing is read from this machine."""
        parts: dict[str, list[bytes]] = {}
        left, once = MAX_BYTES, False
        async for request in requests:
            left -= len(request.path) + len(request.content)
            if left < 0:
                raise Refusal(codes.NO_DEFINITION, f"the definition is too large: at most {show_size(MAX_BYTES)}")
            parts.setdefault(_path(request.path), []).append(request.content)
            once = once or request.once
        if not parts:
            raise Refusal(codes.NO_DEFINITION, "there is no definition in the request")
        files = [(path, b"".join(contents)) for path, contents in parts.items()]

        def store(site: LocalSite) -> str:
            loaded = load_files(files)
            return site.pipelines.stored(loaded) if once else site.pipelines.create(loaded)

        return wire.IdsResponse(header=header(), ids=[await self._ask_long(store)])


def _path(name: bytes) -> str:
    """What a file is called: a label, and how files of one definition name each other."""
    return posixpath.normpath(os.fsdecode(name) or "pipeline.yaml")
