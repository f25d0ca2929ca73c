"""Which services are started, and what operators are told of servers that run elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from clara_cli.addresses import Triton, parse_address, triton_at
from clara_cli.errors import ImageError
from clara_cli.images.program import Program
from clara_cli.pipelines.model import Connection, Operator, Pipeline, Service
from clara_cli.runtime.service_plan import Servers, plan_servers
from clara_cli.runtime.services import with_references
from clara_cli.runtime.triton import is_triton

LOCAL = {"web", "trtis"}
TRITON = Triton("gpu:8000", "gpu:8001")


def find(image: str, tag: str, command: Sequence[str] = ()) -> Program:
    if image not in LOCAL:
        raise ImageError(f"no local program for image {image}:{tag}", hint=f"clara create image -n {image}")
    return Program(Path("/x"), Path("/python"), entrypoint=("serve",))


def service(image: str = "web", name: str = "s", tag: str = "1", **connections: int) -> Service:
    return Service(name, image, tag, connections=tuple(Connection(key, "http", p) for key, p in connections.items()))


def plan(*operators: Operator, addresses: dict[str, str] | None = None, triton: Triton | None = None) -> Servers:
    return plan_servers(Pipeline("p", "0.4.0", "Clara", operators), find, addresses or {}, triton)


def operator(name: str, *services: Service, models: tuple[str, ...] = ()) -> Operator:
    return Operator(name, name, services=services, models=models)


def test_the_same_image_tag_and_command_is_one_service() -> None:
    servers = plan(
        operator("a", service(URI=8000)), operator("b", service(OTHER=8000, URI=8000)), operator("c", service(tag="2"))
    )
    assert [(item.label, item.operators) for item in servers.services] == [("s", {"a", "b"}), ("s-service", {"c"})]
    assert [item.name for item in servers.services[0].service.connections] == ["URI", "OTHER"]
    assert servers.errors == []


def test_labels_are_unlike_operators() -> None:
    servers = plan(operator("S", service()), operator("s-service", service(tag="2"), service(tag="3")))
    assert [item.label for item in servers.services] == ["s-service-2", "s-service-3", "s-service-4"]


def test_a_given_address_needs_no_service_and_goes_to_who_declares_it() -> None:
    servers = plan(
        operator("a", service("gone", URI=8000)),
        operator("b", service("gone", OTHER=9000)),
        operator("c"),
        addresses={"URI": "h:1", "OTHER": "h:2", "UNUSED": "h:3"},
    )
    assert servers.services == [] and servers.errors == []
    assert servers.variables == {"a": {"URI": "h:1"}, "b": {"OTHER": "h:2"}, "c": {}}


def test_what_is_not_given_is_still_needed() -> None:
    (error,) = plan(operator("a", service("gone", URI=1, OTHER=2)), addresses={"URI": "h:1"}).errors
    assert error.message == "service s of operator a: no local program for image gone:1"
    assert error.hint == (
        "clara create image -n gone\nor name a running server in the configuration, as `services: {OTHER: HOST:PORT}`"
    )


def test_models_need_a_triton_server() -> None:
    (error,) = plan(operator("a", models=("m", "n"))).errors
    assert "operator a lists models (m, n)" in error.message and "triton: HOST" in (error.hint or "")
    names = ("NVIDIA_TRITON_HTTPURI", "CLARA_TRITON_URI", "NVIDIA_CLARA_TRTISURI")
    expected = {**dict.fromkeys(names, "gpu:8000"), "NVIDIA_TRITON_GRPCURI": "gpu:8001"}
    assert plan(operator("a", models=("m",)), operator("b"), triton=TRITON).variables == {"a": expected, "b": {}}


def test_a_triton_service_is_one_started_here_or_the_one_that_runs() -> None:
    trtis = service("trtis", "trtis", NVIDIA_CLARA_TRTISURI=8000, GRPC=8001)
    servers = plan(operator("a", trtis, models=("m",)))
    assert [item.label for item in servers.services] == ["trtis"] and servers.errors == []
    servers = plan(operator("a", trtis), operator("b", models=("m",)), triton=TRITON)
    assert servers.services == []
    assert servers.variables["a"] == {"NVIDIA_CLARA_TRTISURI": "gpu:8000", "GRPC": "gpu:8001"}
    assert servers.variables["b"]["NVIDIA_TRITON_GRPCURI"] == "gpu:8001"
    given = plan(operator("a", trtis, models=("m",)), addresses={"NVIDIA_CLARA_TRTISURI": "h:1", "GRPC": "h:2"})
    assert given.services == [] and given.errors == []
    assert given.variables["a"]["NVIDIA_TRITON_HTTPURI"] == "h:1"
    assert given.variables["a"]["NVIDIA_TRITON_GRPCURI"] == "h:2"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (service("nvcr.io/nvidia/tritonserver"), True),
        (service("x", "trtis"), True),
        (service("x", "y", NVIDIA_CLARA_TRTISURI=8000), True),
        (service("tritons/web"), False),
    ],
)
def test_what_counts_as_triton(item: Service, expected: bool) -> None:
    assert is_triton(item) is expected


def test_references_in_a_services_command() -> None:
    values = {"A": "1", "B": "$(A)"}
    assert with_references("--x=$(A)/m $(NONE) $A $$(A) $(B)", values) == "--x=1/m $(NONE) $A $(A) $(A)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("gpu:8000", "gpu:8000"), (" http://gpu:80/ ", "gpu:80"), ("[::1]:5", "[::1]:5"), ("10.0.0.1:1", "10.0.0.1:1")],
)
def test_addresses(text: str, expected: str) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["", "gpu", "gpu:", ":80", "gpu:99999", "a b:1", "http://gpu:80/path"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        parse_address(text)


def test_the_usual_ports_of_triton() -> None:
    assert triton_at("gpu") == TRITON
    assert triton_at("gpu:9000") == Triton("gpu:9000", "gpu:8001")
