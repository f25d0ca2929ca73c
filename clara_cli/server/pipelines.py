"""The Pipelines service."""

from __future__ import annotations

import json
import posixpath
from collections.abc import AsyncIterator, Iterator

from clara_cli.database import Database
from clara_cli.errors import UsageError
from clara_cli.ids import resolve
from clara_cli.metadata import add_metadata, all_metadata, get_metadata
from clara_cli.pipelines import source, store
from clara_cli.pipelines.load import Loaded, load_files
from clara_cli.pipelines.model import Pipeline, from_json
from clara_cli.pipelines.source import read_source
from clara_cli.pipelines.store import PipelineRecord
from clara_cli.server import codes, metadata
from clara_cli.server.codes import Refusal
from clara_cli.server.identifiers import read_id, wire_id
from clara_cli.server.platform import Platform
from clara_cli.server.wire import pipelines_pb2 as wire
from clara_cli.server.wire.common_pb2 import ResponseHeader

# Characters of a definition in one message: at most four bytes each, and clients receive 4 MiB with 3 MiB of metadata.
_PART = 200_000
# How far the tree of operators is spelled out: with every path in it, a small graph can have millions of nodes.
_MOST_NODES, _DEEPEST = 1000, 40

_LONGEST_PATH = 4096
# Pairs of metadata in one stream; more than an object can have.
_MOST_PAIRS = 1 << 20

_Node = wire.PipelinesDetailsResponse.PipelineDagNode


class Pipelines:
    """The service."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def create(self, requests: AsyncIterator[wire.PipelinesCreateRequest]) -> wire.PipelinesCreateResponse:
        """The files given are all there is: nothing is read from this machine."""
        files = _Files()
        wanted: str | None = None
        pairs: dict[str, str] = {}
        async for request in requests:
            if request.HasField("pipeline_id"):
                wanted = read_id(request.pipeline_id, "pipeline")
            pairs.update(request.metadata)
            if len(pairs) > _MOST_PAIRS:
                raise UsageError(f"metadata: at most {_MOST_PAIRS} pairs are read")
            files.add(request.definition)
        definition = files.complete()

        def create(database: Database) -> tuple[str, Loaded]:
            loaded = load_files(definition)
            with database.write() as connection:
                pipeline_id = store.insert_pipeline(connection, loaded, wanted)
                add_metadata(connection, pipeline_id, pairs)
            return pipeline_id, loaded

        pipeline_id, loaded = await self._platform.slow.call(create)
        return wire.PipelinesCreateResponse(header=_with_warnings(loaded), pipeline_id=wire_id(pipeline_id))

    async def details(self, request: wire.PipelinesDetailsRequest) -> AsyncIterator[wire.PipelinesDetailsResponse]:
        record, files, pairs = await self._platform.quick.call(_look, read_id(request.pipeline_id, "pipeline"))
        dag = _dag(from_json(json.loads(record.definition)))
        for path, content in files:
            for part in _parts(read_source(path, content).text):
                yield wire.PipelinesDetailsResponse(
                    header=ResponseHeader(),
                    pipeline_id=wire_id(record.id),
                    name=record.name,
                    definition=wire.PipelineDefinitionFile(path=codes.clean(path), content=part),
                    dag=dag,
                    metadata=pairs,
                )

    async def list(self, request: wire.PipelinesListRequest) -> AsyncIterator[wire.PipelinesListResponse]:
        """Oldest first."""
        records, pairs = await self._platform.quick.call(_look_at_all)
        for record in records:
            details = wire.PipelinesListResponse.PipelineDetails(
                pipeline_id=wire_id(record.id), name=record.name, metadata=pairs.get(record.id)
            )
            yield wire.PipelinesListResponse(header=ResponseHeader(), details=details)

    async def update(self, requests: AsyncIterator[wire.PipelinesUpdateRequest]) -> wire.PipelinesUpdateResponse:
        """Jobs keep the definition that they were created with."""
        files = _Files()
        pipeline_id: str | None = None
        async for request in requests:
            if pipeline_id is None or request.HasField("pipeline_id"):
                pipeline_id = read_id(request.pipeline_id, "pipeline")
            files.add(request.definition)
        definition = files.complete()

        def update(database: Database) -> Loaded:
            with database.read() as connection:
                known = resolve(connection, "pipeline", pipeline_id or "")
            loaded = load_files(definition)
            with database.write() as connection:
                store.update_pipeline(connection, resolve(connection, "pipeline", known), loaded)
            return loaded

        return wire.PipelinesUpdateResponse(header=_with_warnings(await self._platform.slow.call(update)))

    async def remove(self, request: wire.PipelinesRemoveRequest) -> wire.PipelinesRemoveResponse:
        """Jobs that were made of it go on."""
        pipeline_id = read_id(request.pipeline_id, "pipeline")

        def remove(database: Database) -> None:
            with database.write() as connection:
                store.delete_pipeline(connection, resolve(connection, "pipeline", pipeline_id))

        await self._platform.quick.call(remove)
        return wire.PipelinesRemoveResponse(header=ResponseHeader())

    async def add_metadata(self, request: wire.PipelinesAddMetadataRequest) -> wire.PipelinesAddMetadataResponse:
        pipeline_id = read_id(request.pipeline_id, "pipeline")
        pairs = await self._platform.quick.call(metadata.add, "pipeline", pipeline_id, request.metadata)
        return wire.PipelinesAddMetadataResponse(
            header=ResponseHeader(), pipeline_id=wire_id(pipeline_id), metadata=pairs
        )

    async def remove_metadata(
        self, request: wire.PipelinesRemoveMetadataRequest
    ) -> wire.PipelinesRemoveMetadataResponse:
        pipeline_id = read_id(request.pipeline_id, "pipeline")
        pairs = await self._platform.quick.call(metadata.remove, "pipeline", pipeline_id, request.keys)
        return wire.PipelinesRemoveMetadataResponse(
            header=ResponseHeader(), pipeline_id=wire_id(pipeline_id), metadata=pairs
        )


class _Files:
    """Files of a definition as they arrive: parts of one path, however its letters are written, belong together."""

    def __init__(self) -> None:
        self._spelled: dict[str, str] = {}
        self._parts: dict[str, list[bytes]] = {}
        self._left = source.MAX_BYTES

    def add(self, file: wire.PipelineDefinitionFile) -> None:
        if not file.path and not file.content:
            return
        content = file.content.encode()
        self._left -= len(content)
        if self._left < 0 or len(self._parts) > _MOST_NODES:
            raise Refusal(
                codes.NO_DEFINITION,
                f"the definition is too large: at most {source.MAX_BYTES} bytes in {_MOST_NODES} files are read",
            )
        if len(file.path) > _LONGEST_PATH:
            raise Refusal(codes.NO_DEFINITION, f"a file's path has at most {_LONGEST_PATH} characters")
        path = posixpath.normpath(file.path or "pipeline.yaml")
        path = self._spelled.setdefault(path.casefold(), path)
        parts = self._parts.setdefault(path, [])
        if content:
            parts.append(content)

    def complete(self) -> list[tuple[str, bytes]]:
        if not self._parts:
            raise Refusal(codes.NO_DEFINITION, "there is no definition in the request")
        return [(path, b"".join(parts)) for path, parts in self._parts.items()]


def _with_warnings(loaded: Loaded) -> ResponseHeader:
    return ResponseHeader(messages=[codes.clean(warning.render()) for warning in loaded.warnings])


def _look(database: Database, pipeline_id: str) -> tuple[PipelineRecord, list[tuple[str, bytes]], dict[str, str]]:
    with database.read() as connection:
        record = store.find_pipeline(connection, pipeline_id)
        return record, store.pipeline_files(connection, record.id), get_metadata(connection, record.id)


def _look_at_all(database: Database) -> tuple[list[PipelineRecord], dict[str, dict[str, str]]]:
    with database.read() as connection:
        return store.list_pipelines(connection)[::-1], all_metadata(connection, "pipelines")


def _parts(text: str) -> Iterator[str]:
    """A text in pieces; an empty one is one piece."""
    for start in range(0, max(len(text), 1), _PART):
        yield text[start : start + _PART]


def _dag(pipeline: Pipeline) -> list[_Node]:
    """The operators that read from no other, each with those that read from it, and so on.

    A graph whose paths are too many or too long to be spelled out has one node for each operator, with its readers.
    """
    readers: dict[str, list[str]] = {operator.name: [] for operator in pipeline.operators}
    for operator in pipeline.operators:
        for source_name in sorted(operator.sources):
            readers[source_name].append(operator.name)
    roots = [operator.name for operator in pipeline.operators if not operator.sources]
    if _fits(roots, readers):
        return [_node(name, readers) for name in roots]
    return [_Node(name=name, next=[_Node(name=reader) for reader in found]) for name, found in readers.items()]


def _fits(roots: list[str], readers: dict[str, list[str]]) -> bool:
    total, level, depth = 0, roots, 0
    while level:
        total, depth = total + len(level), depth + 1
        if total > _MOST_NODES or depth > _DEEPEST:
            return False
        level = [reader for name in level for reader in readers[name]]
    return True


def _node(name: str, readers: dict[str, list[str]]) -> _Node:
    return _Node(name=name, next=[_node(reader, readers) for reader in readers[name]])
