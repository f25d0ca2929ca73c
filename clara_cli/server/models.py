"""The Models service. Model data is a zip archive of a folder in Triton's layout, in chunks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

from clara_cli.database import Database
from clara_cli.ids import resolve
from clara_cli.metadata import all_metadata, get_metadata
from clara_cli.models import sets
from clara_cli.models.archive import pack, unpack
from clara_cli.models.layout import check_model
from clara_cli.models.sets import Kind
from clara_cli.models.store import Model, create_model, delete_models, list_models, registered_folders
from clara_cli.payloads.receive import check_room
from clara_cli.quantities import show_size
from clara_cli.server import codes, metadata
from clara_cli.server.codes import Refusal
from clara_cli.server.identifiers import read_id, wire_id
from clara_cli.server.platform import Platform
from clara_cli.server.wire import models_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier, ResponseHeader

_CHUNK = 1 << 20
# Bytes after which the room on the disk is looked at again.
_LOOK = 64 << 20
_MOST_MEMBERS = 100_000
# How folders begin in which archives are unpacked.
UNPACKED = ".unpack-"
_TYPES = {
    "unknown": wire.MODEL_TYPE_UNKNOWN,
    "tensorflow": wire.MODEL_TYPE_TENSOR_FLOW,
    "tensorrt": wire.MODEL_TYPE_TENSOR_RT,
    "pytorch": wire.MODEL_TYPE_PY_TORCH,
}
_WORDS = {value: word for word, value in _TYPES.items()}


class Models:
    """The service."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def upload_model(
        self, requests: AsyncIterator[wire.ModelsUploadModelRequest]
    ) -> wire.ModelsUploadModelResponse:
        """A model of the same name is replaced."""
        limits = self._platform.config.platform
        details: wire.ModelDetails | None = None
        size = looked = 0
        with await self._platform.quick.run(self._temporary_file) as archive:
            async for request in requests:
                details = details or (request.details if request.HasField("details") else None)
                size += len(request.data)
                if size > limits.upload:
                    raise Refusal(
                        codes.UPLOAD_TOO_LARGE, f"the model is too large: at most {show_size(limits.upload)} are taken"
                    )
                if size - looked >= _LOOK:
                    looked = size
                    await self._platform.quick.run(self._check_room)
                await self._platform.quick.run(partial(archive.write, request.data))
            if details is None:
                raise Refusal(codes.MALFORMED_REQUEST, "the details of the model are missing: its name at least")
            return wire.ModelsUploadModelResponse(
                header=ResponseHeader(), details=await self._platform.slow.call(self._create, details, archive)
            )

    def _create(self, database: Database, details: wire.ModelDetails, archive: IO[bytes]) -> wire.ModelDetails:
        limits = self._platform.config.platform
        archive.seek(0)
        if details.type not in _WORDS:
            raise Refusal(codes.MALFORMED_REQUEST, f"{details.type} is no type of model")
        word = _WORDS[details.type]
        with TemporaryDirectory(prefix=UNPACKED, dir=database.root.platform) as folder:
            path = unpack(archive, database.root.platform / folder, details.name, limits.upload, self._check_room)
            model, _ = create_model(
                database,
                check_model(path, None if word == "unknown" else word),
                metadata=dict(details.metadata),
            )
        return _details(model, dict(details.metadata))

    async def download_model(
        self, request: wire.ModelsDownloadModelRequest
    ) -> AsyncIterator[wire.ModelsDownloadModelResponse]:
        model_id = read_id(request.model_id, "model")
        with await self._platform.quick.run(self._temporary_file) as archive:
            details: wire.ModelDetails | None = await self._platform.slow.call(_pack, model_id, archive)
            while (data := await self._platform.quick.run(partial(archive.read, _CHUNK))) or details is not None:
                yield wire.ModelsDownloadModelResponse(header=ResponseHeader(), details=details, data=data)
                details = None

    def _temporary_file(self) -> IO[bytes]:
        """A file without a name, on the disk of the root."""
        self._check_room()
        return TemporaryFile(dir=self._platform.root.platform)

    def _check_room(self) -> None:
        check_room(self._platform.root, self._platform.config.platform.storage)

    async def delete_model(self, request: wire.ModelsDeleteModelRequest) -> wire.ModelsDeleteModelResponse:
        model_id = read_id(request.model_id, "model")
        await self._platform.slow.call(delete_models, [model_id])
        return wire.ModelsDeleteModelResponse(header=ResponseHeader(), model_id=wire_id(model_id))

    async def list_models(self, request: wire.ModelsListModelsRequest) -> AsyncIterator[wire.ModelsListModelsResponse]:
        for details in (await self._platform.quick.call(_look_at_all)).values():
            yield wire.ModelsListModelsResponse(header=ResponseHeader(), models=[details])

    async def add_metadata(self, request: wire.ModelsAddMetadataRequest) -> wire.ModelsAddMetadataResponse:
        model_id = read_id(request.model_id, "model")
        pairs = await self._platform.quick.call(metadata.add, "model", model_id, request.metadata)
        return wire.ModelsAddMetadataResponse(header=ResponseHeader(), model_id=wire_id(model_id), metadata=pairs)

    async def remove_metadata(self, request: wire.ModelsRemoveMetadataRequest) -> wire.ModelsRemoveMetadataResponse:
        model_id = read_id(request.model_id, "model")
        pairs = await self._platform.quick.call(metadata.remove, "model", model_id, request.keys)
        return wire.ModelsRemoveMetadataResponse(header=ResponseHeader(), model_id=wire_id(model_id), metadata=pairs)

    async def create_catalog(self, request: wire.ModelsCreateCatalogRequest) -> wire.ModelsCreateCatalogResponse:
        return wire.ModelsCreateCatalogResponse(header=ResponseHeader(), catalog_id=await self._create_set("catalog"))

    async def create_instance(self, request: wire.ModelsCreateInstanceRequest) -> wire.ModelsCreateInstanceResponse:
        identity = await self._create_set("instance")
        return wire.ModelsCreateInstanceResponse(header=ResponseHeader(), instance_id=identity)

    async def delete_catalog(self, request: wire.ModelsDeleteCatalogRequest) -> wire.ModelsDeleteCatalogResponse:
        identity = await self._delete_set("catalog", request.catalog_id)
        return wire.ModelsDeleteCatalogResponse(header=ResponseHeader(), catalog_id=identity)

    async def delete_instance(self, request: wire.ModelsDeleteInstanceRequest) -> wire.ModelsDeleteInstanceResponse:
        identity = await self._delete_set("instance", request.instance_id)
        return wire.ModelsDeleteInstanceResponse(header=ResponseHeader(), instance_id=identity)

    async def list_catalogs(
        self, request: wire.ModelsListCatalogsRequest
    ) -> AsyncIterator[wire.ModelsListCatalogsResponse]:
        for found in await self._platform.quick.call(_look_at_sets, "catalog"):
            yield wire.ModelsListCatalogsResponse(header=ResponseHeader(), catalogs=[found])

    async def list_instances(
        self, request: wire.ModelsListInstancesRequest
    ) -> AsyncIterator[wire.ModelsListInstancesResponse]:
        for found in await self._platform.quick.call(_look_at_sets, "instance"):
            yield wire.ModelsListInstancesResponse(header=ResponseHeader(), instances=[found])

    async def read_catalog(
        self, request: wire.ModelsReadCatalogRequest
    ) -> AsyncIterator[wire.ModelsReadCatalogResponse]:
        identity = read_id(request.catalog_id, "catalog")
        models = (await self._platform.quick.call(_look_at_set, "catalog", identity)).models
        yield wire.ModelsReadCatalogResponse(header=ResponseHeader(), catalog_id=wire_id(identity), models=models)

    async def read_instance(
        self, request: wire.ModelsReadInstanceRequest
    ) -> AsyncIterator[wire.ModelsReadInstanceResponse]:
        identity = read_id(request.instance_id, "instance")
        models = (await self._platform.quick.call(_look_at_set, "instance", identity)).models
        yield wire.ModelsReadInstanceResponse(header=ResponseHeader(), instance_id=wire_id(identity), models=models)

    async def update_catalog(
        self, requests: AsyncIterator[wire.ModelsUpdateCatalogRequest]
    ) -> wire.ModelsUpdateCatalogResponse:
        identity = await self._change_set("catalog", requests)
        return wire.ModelsUpdateCatalogResponse(header=ResponseHeader(), catalog_id=identity)

    async def update_instance(
        self, requests: AsyncIterator[wire.ModelsUpdateInstanceRequest]
    ) -> wire.ModelsUpdateInstanceResponse:
        identity = await self._change_set("instance", requests)
        return wire.ModelsUpdateInstanceResponse(header=ResponseHeader(), instance_id=identity)

    async def _create_set(self, kind: Kind) -> Identifier:
        def create(database: Database) -> str:
            with database.write() as connection:
                return sets.create_set(connection, kind)

        return wire_id(await self._platform.quick.call(create))

    async def _delete_set(self, kind: Kind, identifier: Identifier) -> Identifier:
        identity = read_id(identifier, kind)

        def delete(database: Database) -> None:
            with database.write() as connection:
                sets.delete_set(connection, kind, identity)

        await self._platform.quick.call(delete)
        return wire_id(identity)

    async def _change_set(self, kind: Kind, requests: AsyncIterator[Any]) -> Identifier:
        """The first message says which set is meant; the models of all of them are its models from now on."""
        identity: str | None = None
        models: list[str] = []
        async for request in requests:
            identity = identity or read_id(getattr(request, f"{kind}_id"), kind)
            models += [read_id(model, "model") for model in request.model_ids]
            if len(models) > _MOST_MEMBERS:
                raise Refusal(codes.MALFORMED_REQUEST, f"a set has at most {_MOST_MEMBERS} models")
        known = identity or read_id(Identifier(), kind)

        def change(database: Database) -> None:
            with database.write() as connection:
                sets.change_set(connection, kind, known, models)

        await self._platform.quick.call(change)
        return wire_id(known)


def _details(model: Model, pairs: dict[str, str]) -> wire.ModelDetails:
    return wire.ModelDetails(
        model_id=wire_id(model.id), name=codes.clean(model.name), type=_TYPES[model.type], metadata=pairs
    )


def _look_at_all(database: Database) -> dict[str, wire.ModelDetails]:
    """The details of every model by its id, oldest first."""
    with database.read() as connection:
        pairs = all_metadata(connection, "models")
        return {model.id: _details(model, pairs.get(model.id, {})) for model in list_models(connection)[::-1]}


def _look_at_set(database: Database, kind: Kind, identity: str) -> wire.ModelCatalogDetails:
    known = _look_at_all(database)
    with database.read() as connection:
        found = sets.members(connection, kind, identity)
    return wire.ModelCatalogDetails(
        catalog_id=wire_id(identity), models=[known[model] for model in found if model in known]
    )


def _look_at_sets(database: Database, kind: Kind) -> list[wire.ModelCatalogDetails]:
    with database.read() as connection:
        found = sets.list_sets(connection, kind)
    return [_look_at_set(database, kind, identity) for identity in found]


def _pack(database: Database, model_id: str, archive: IO[bytes]) -> wire.ModelDetails:
    """Fill an archive with a model, to be read from its beginning."""
    with database.read() as connection:
        known = resolve(connection, "model", model_id)
        (model,) = (model for model in list_models(connection) if model.id == known)
        folder = registered_folders(database.root, connection)[model.name]
        pairs = get_metadata(connection, known)
    pack(folder, archive)
    archive.seek(0)
    return _details(model, pairs)
