"""Pipelines of a platform."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from clara_cli.pipelines.checked import Known
from clara_cli.pipelines.load import Loaded, load_files
from clara_cli.pipelines.model import to_json
from clara_cli.pipelines.source import read_source
from clara_cli.pipelines.store import PipelineRecord
from clara_cli.remote.connection import Connection, NotServed
from clara_cli.remote.identity import among, whole
from clara_cli.server.records import read
from clara_cli.server.wire import commands_pb2 as own
from clara_cli.server.wire import pipelines_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier

# Characters of a definition in one message.
_PART = 200_000


class RemotePipelines:
    """The `Pipelines` of a `RemoteSite`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, loaded: Loaded) -> str:
        return self._store(loaded, once=False)

    def stored(self, loaded: Loaded) -> str:
        return self._store(loaded, once=True)

    def known(self, path: Path) -> Known | None:
        return None  # rules of the platform may be others

    def _store(self, loaded: Loaded, *, once: bool) -> str:
        try:
            return str(self._connection.ask(self._connection.commands.StorePipeline, _parts(loaded, once)).ids[0])
        except NotServed:
            sending = self._connection.ask(self._connection.pipelines.Create, _messages(loaded))
            return str(sending.pipeline_id.value)

    def list(self) -> Sequence[PipelineRecord]:
        commands = self._connection.commands
        try:
            answers = list(self._connection.ask_often(commands.ListPipelines, own.ListRequest()))
        except NotServed:
            return self._published()
        return [read(item, PipelineRecord) for answer in answers for item in answer.pipelines]

    def _published(self) -> Sequence[PipelineRecord]:
        """Newest first; when they were made is not said."""
        found = self._connection.ask_often(self._connection.pipelines.List, wire.PipelinesListRequest())
        return [PipelineRecord(item.details.pipeline_id.value, item.details.name, None) for item in found][::-1]

    def find(self, text: str) -> str:
        """The whole id of the pipeline that is meant."""
        return whole(text, "pipeline") or among((known.id for known in self.list()), text, "pipeline")

    def describe(self, text: str) -> PipelineRecord:
        commands = self._connection.commands
        try:
            answer = self._connection.ask(commands.DescribePipeline, own.TextRequest(text=text))
            return read(answer.pipelines[0], PipelineRecord)
        except NotServed:
            return self._published_details(self.find(text))

    def _published_details(self, pipeline_id: str) -> PipelineRecord:
        request = wire.PipelinesDetailsRequest(pipeline_id=Identifier(value=pipeline_id))
        parts: dict[str, list[str]] = {}
        name = ""
        for answer in self._connection.ask_often(self._connection.pipelines.Details, request):
            name = answer.name
            parts.setdefault(answer.definition.path, []).append(answer.definition.content)
        loaded = load_files([(path, "".join(texts).encode()) for path, texts in parts.items()])
        return PipelineRecord(
            pipeline_id,
            name,
            None,
            definition=json.dumps(to_json(loaded.pipeline)),
            parameters=loaded.parameters,
            templated=loaded.templated,
        )

    def delete(self, pipeline_ids: Sequence[str]) -> None:
        for pipeline_id in pipeline_ids:
            request = wire.PipelinesRemoveRequest(pipeline_id=Identifier(value=pipeline_id))
            self._connection.ask(self._connection.pipelines.Remove, request)


def _parts(loaded: Loaded, once: bool) -> Iterator[own.StorePipelineRequest]:
    """A definition as it is, in parts."""
    for path, content in loaded.files:
        for start in range(0, max(len(content), 1), _PART):
            part = content[start : start + _PART]
            yield own.StorePipelineRequest(path=os.fsencode(path), content=part, once=once)


def _messages(loaded: Loaded) -> Iterator[wire.PipelinesCreateRequest]:
    """The published form of a definition: text, in parts that any server takes."""
    for path, content in loaded.files:
        text = read_source(path, content).text
        for start in range(0, max(len(text), 1), _PART):
            part = wire.PipelineDefinitionFile(
                path=path.encode("utf-8", "backslashreplace").decode(), content=text[start : start + _PART]
            )
            yield wire.PipelinesCreateRequest(definition=part)
