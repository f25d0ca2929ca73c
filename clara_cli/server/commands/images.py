"""Registered images. They are registered on this machine only."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from clara_cli.server.commands.asking import Asking, header, parts
from clara_cli.server.records import fill
from clara_cli.server.wire import commands_pb2 as wire


class ImageCommands(Asking):
    async def list_images(self, _: wire.ListRequest) -> AsyncIterator[wire.ImagesResponse]:
        for piece in parts(await self._ask(lambda site: site.images.list())):
            yield wire.ImagesResponse(header=header(), images=[fill(wire.Image(), item) for item in piece])

    async def find_image(self, request: wire.TextRequest) -> wire.ImagesResponse:
        found = await self._ask(lambda site: site.images.find(request.text))
        return wire.ImagesResponse(header=header(), images=[fill(wire.Image(), found)])

    async def describe_image(self, request: wire.TextRequest) -> wire.DescribeImageResponse:
        found = await self._ask_long(lambda site: site.images.describe(request.text))
        return wire.DescribeImageResponse(
            header=header(),
            image=fill(wire.Image(), found.image),
            python=os.fsencode(found.python) if found.python is not None else None,
            workdir=os.fsencode(found.workdir),
            command=map(os.fsencode, found.command),
        )

    async def delete_images(self, request: wire.TextsRequest) -> wire.ImagesResponse:
        found = await self._ask(lambda site: site.images.delete(request.texts))
        return wire.ImagesResponse(header=header(), images=[fill(wire.Image(), item) for item in found])
