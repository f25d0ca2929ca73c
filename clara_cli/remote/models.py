"""Models of a platform."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import IO

from clara_cli.models.layout import ModelFolder
from clara_cli.models.store import Model
from clara_cli.payloads.names import show_name
from clara_cli.payloads.upload import Meter, explained, sources
from clara_cli.remote.connection import Connection, NotServed
from clara_cli.remote.identity import among
from clara_cli.server.records import read
from clara_cli.server.wire import commands_pb2 as own
from clara_cli.server.wire import models_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier

_CHUNK = 1 << 20
_TYPES = {
    "unknown": wire.MODEL_TYPE_UNKNOWN,
    "tensorflow": wire.MODEL_TYPE_TENSOR_FLOW,
    "tensorrt": wire.MODEL_TYPE_TENSOR_RT,
    "pytorch": wire.MODEL_TYPE_PY_TORCH,
}
_WORDS = {value: word for word, value in _TYPES.items()}


class RemoteModels:
    """The `Models` of a `RemoteSite`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, folder: ModelFolder, meter: Meter | None) -> tuple[Model, Model | None]:
        before = next((model for model in self.list() if model.name == folder.name), None)
        with TemporaryFile() as archive:
            _pack(folder, archive)
            if meter is not None:
                meter.expect(archive.tell())
            archive.seek(0)
            requests = _messages(folder, archive, meter)
            details = self._connection.ask(self._connection.models.UploadModel, requests).details
        return Model(details.model_id.value, details.name, folder.type, folder.versions, None), before

    def list(self) -> Sequence[Model]:
        commands = self._connection.commands
        try:
            answers = list(self._connection.ask_often(commands.ListModels, own.ListRequest()))
        except NotServed:
            return self._published()
        return [read(item, Model) for answer in answers for item in answer.models]

    def _published(self) -> Sequence[Model]:
        """Newest first; versions, and when they were made, are not said."""
        found = self._connection.ask_often(self._connection.models.ListModels, wire.ModelsListModelsRequest())
        models = [item for answer in found for item in answer.models]
        return [Model(item.model_id.value, item.name, _WORDS[item.type], (), None) for item in models][::-1]

    def delete(self, texts: Sequence[str]) -> Sequence[Model]:
        commands = self._connection.commands
        try:
            answer = self._connection.ask(commands.DeleteModels, own.TextsRequest(texts=texts))
            return [read(item, Model) for item in answer.models]
        except NotServed:
            known = {model.id: model for model in self._published()}
            found = [known[among(known, text, "model")] for text in texts]
        for model in dict.fromkeys(found):
            request = wire.ModelsDeleteModelRequest(model_id=Identifier(value=model.id))
            self._connection.ask(self._connection.models.DeleteModel, request)
        return list(dict.fromkeys(found))


def _pack(folder: ModelFolder, archive: IO[bytes]) -> None:
    """The model as a zip archive, not compressed; links are followed, as where it is copied."""
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as packed:
            for path, name, size in sources(folder.path):
                if size is not None:
                    packed.write(path, show_name(name))
    except OSError as error:
        raise explained(error, str(folder.path)) from error


def _messages(folder: ModelFolder, archive: IO[bytes], meter: Meter | None) -> Iterator[wire.ModelsUploadModelRequest]:
    details: wire.ModelDetails | None = wire.ModelDetails(name=folder.name, type=_TYPES[folder.type])
    while (data := archive.read(_CHUNK)) or details is not None:
        yield wire.ModelsUploadModelRequest(details=details, data=data)
        details = None
        if meter is not None:
            meter.advance(len(data))
