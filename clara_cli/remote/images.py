"""Images that are registered on a platform's machine."""

from __future__ import annotations

import os
from collections.abc import Sequence

from clara_cli.images.reference import RegisteredImage
from clara_cli.remote.connection import Connection
from clara_cli.server.records import read
from clara_cli.server.wire import commands_pb2 as own
from clara_cli.site.model import DescribedImage


class RemoteImages:
    """The `Images` of a `RemoteSite`; the published calls know nothing of images."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Sequence[RegisteredImage]:
        answers = self._connection.ask_often(self._connection.commands.ListImages, own.ListRequest())
        return [read(item, RegisteredImage) for answer in answers for item in answer.images]

    def find(self, text: str) -> RegisteredImage:
        answer = self._connection.ask(self._connection.commands.FindImage, own.TextRequest(text=text))
        return read(answer.images[0], RegisteredImage)

    def describe(self, text: str) -> DescribedImage:
        answer = self._connection.ask(self._connection.commands.DescribeImage, own.TextRequest(text=text))
        return DescribedImage(
            read(answer.image, RegisteredImage),
            os.fsdecode(answer.python) if answer.HasField("python") else None,
            os.fsdecode(answer.workdir),
            tuple(map(os.fsdecode, answer.command)),
        )

    def delete(self, texts: Sequence[str]) -> Sequence[RegisteredImage]:
        answer = self._connection.ask(self._connection.commands.DeleteImages, own.TextsRequest(texts=texts))
        return [read(item, RegisteredImage) for item in answer.images]
