"""Payloads."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from clara_cli.server.commands.asking import Asking, header, parts
from clara_cli.server.records import fill
from clara_cli.server.wire import commands_pb2 as wire
from clara_cli.site.local import LocalSite
from clara_cli.site.model import DescribedPayload


class PayloadCommands(Asking):
    async def list_payloads(self, _: wire.ListRequest) -> AsyncIterator[wire.PayloadsResponse]:
        for piece in parts(await self._ask(lambda site: site.payloads.list())):
            yield wire.PayloadsResponse(header=header(), payloads=[fill(wire.Payload(), item) for item in piece])

    async def find_payload(self, request: wire.TextRequest) -> wire.PayloadsResponse:
        found = await self._ask(lambda site: site.payloads.find(request.text))
        return wire.PayloadsResponse(header=header(), payloads=[fill(wire.Payload(), found)])

    async def describe_payload(self, request: wire.TextRequest) -> AsyncIterator[wire.DescribePayloadResponse]:
        def describe(site: LocalSite) -> DescribedPayload:
            return site.payloads.describe(site.payloads.find(request.text))

        found = await self._ask_long(describe)
        for piece in parts(found.entries):
            yield wire.DescribePayloadResponse(
                header=header(),
                entries=[fill(wire.Entry(), entry) for entry in piece],
                folder=os.fsencode(found.folder),
            )

    async def delete_payloads(self, request: wire.TextsRequest) -> wire.PayloadsResponse:
        found = await self._ask_long(lambda site: site.payloads.delete(request.texts))
        return wire.PayloadsResponse(header=header(), payloads=[fill(wire.Payload(), item) for item in found])
