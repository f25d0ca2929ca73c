"""The Models service: archives in Triton's layout in and out, and sets of models."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from platform_support import Client, Server, accepted, refusal

from clara_cli.server.wire import models_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier

CONFIG = 'name: "seg"\nplatform: "pytorch_libtorch"\n'


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.channel() as channel:
        yield Client(channel)


def archive(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return data.getvalue()


def upload(client: Client, data: bytes, name: str = "seg", **details: Any) -> Any:
    parts = [data[start : start + 1000] for start in range(0, len(data), 1000)] or [b""]
    return client.models.UploadModel(
        wire.ModelsUploadModelRequest(details=wire.ModelDetails(name=name, **details), data=part) for part in parts
    )


def download(client: Client, model: Identifier) -> tuple[Any, dict[str, bytes]]:
    parts = list(map(accepted, client.models.DownloadModel(wire.ModelsDownloadModelRequest(model_id=model))))
    with zipfile.ZipFile(io.BytesIO(b"".join(part.data for part in parts))) as packed:
        return parts[0].details, {name: packed.read(name) for name in packed.namelist()}


def listed(client: Client) -> dict[str, str]:
    found = map(accepted, client.models.ListModels(wire.ModelsListModelsRequest()))
    return {model.name: model.model_id.value for answer in found for model in answer.models}


FILES = {"config.pbtxt": CONFIG.encode(), "1/model.pt": b"weights" * 10_000}


@pytest.mark.parametrize("top", ["", "exported/"])
def test_a_model_goes_in_and_comes_out(client: Client, server: Server, top: str) -> None:
    data = archive({f"{top}{name}": content for name, content in FILES.items()})
    made = accepted(upload(client, data, metadata={"Trained": "2021"})).details
    details, files = download(client, made.model_id)
    assert files == FILES
    assert (details.name, details.type, dict(details.metadata)) == (
        "seg",
        wire.MODEL_TYPE_PY_TORCH,
        {"Trained": "2021"},
    )
    assert listed(client) == {"seg": made.model_id.value}
    assert made.model_id.value in server.clara("list", "models").stdout
    pairs = accepted(
        client.models.AddMetadata(wire.ModelsAddMetadataRequest(model_id=made.model_id, metadata={"a": "b"}))
    )
    assert dict(pairs.metadata) == {"Trained": "2021", "a": "b"}


def linked() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("config.pbtxt", CONFIG)
        link = zipfile.ZipInfo("1/model.pt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"no archive", "seg", "no intact zip archive"),
        (b"", "seg", "no intact zip archive"),
        (archive(FILES)[:-200], "seg", "no intact zip archive"),
        (archive({"../../x": b""}), "seg", "leaves the payload"),
        (archive({"readme.txt": b"x"}), "seg", "no version folder"),
        (archive(FILES), "../seg", "no name of a model|leaves the payload"),
        (archive(FILES), "", "no name of a model"),
        (archive(FILES), "other", 'says name: "seg"'),
        (linked(), "seg", "is a link"),
    ],
)
def test_what_is_no_model_is_refused(client: Client, server: Server, data: bytes, name: str, said: str) -> None:
    before = listed(client)
    code, text = refusal(upload(client, data, name))
    assert code in (-0x4300, -0x3100) and re.search(said, text), (code, text)
    assert listed(client) == before
    assert not list((server.root / "platform").glob(".unpack*"))


def test_catalogs_follow_their_models(client: Client) -> None:
    def models_of(catalog: Identifier) -> list[str]:
        (found,) = client.models.ReadCatalog(wire.ModelsReadCatalogRequest(catalog_id=catalog))
        return [model.name for model in accepted(found).models]

    first = accepted(upload(client, archive(FILES))).details.model_id
    other = archive({"config.pbtxt": b"", "1/model.pt": b"x"})
    second = accepted(upload(client, other, "second")).details.model_id
    catalog = accepted(client.models.CreateCatalog(wire.ModelsCreateCatalogRequest())).catalog_id
    assert models_of(catalog) == []
    requests = [
        wire.ModelsUpdateCatalogRequest(catalog_id=catalog, model_ids=[second]),
        wire.ModelsUpdateCatalogRequest(model_ids=[first, second]),
    ]
    accepted(client.models.UpdateCatalog(iter(requests)))
    assert models_of(catalog) == ["second", "seg"]
    # A new model of the same name takes its place in the catalog too.
    accepted(upload(client, archive(FILES)))
    assert models_of(catalog) == ["second", "seg"]
    accepted(client.models.DeleteModel(wire.ModelsDeleteModelRequest(model_id=second)))
    assert models_of(catalog) == ["seg"]
    unknown = wire.ModelsUpdateCatalogRequest(catalog_id=catalog, model_ids=[second])
    assert refusal(client.models.UpdateCatalog(iter([unknown])))[0] == -0x4001
    # A catalog is no instance.
    assert refusal(client.models.ReadInstance(wire.ModelsReadInstanceRequest(instance_id=catalog)))[0] == -0x4021
    instance = accepted(client.models.CreateInstance(wire.ModelsCreateInstanceRequest())).instance_id
    (answer,) = client.models.ListInstances(wire.ModelsListInstancesRequest())
    assert [one.catalog_id for one in answer.instances] == [instance]
    accepted(client.models.DeleteCatalog(wire.ModelsDeleteCatalogRequest(catalog_id=catalog)))
    assert list(client.models.ListCatalogs(wire.ModelsListCatalogsRequest())) == []
