"""Models."""

from __future__ import annotations

from collections.abc import AsyncIterator

from clara_cli.server.commands.asking import Asking, header, parts
from clara_cli.server.records import fill
from clara_cli.server.wire import commands_pb2 as wire


class ModelCommands(Asking):
    async def list_models(self, _: wire.ListRequest) -> AsyncIterator[wire.ModelsResponse]:
        for piece in parts(await self._ask(lambda site: site.models.list())):
            yield wire.ModelsResponse(header=header(), models=[fill(wire.Model(), item) for item in piece])

    async def delete_models(self, request: wire.TextsRequest) -> wire.ModelsResponse:
        found = await self._ask_long(lambda site: site.models.delete(request.texts))
        return wire.ModelsResponse(header=header(), models=[fill(wire.Model(), item) for item in found])
