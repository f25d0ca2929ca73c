"""Whatever a client sends, to any method: an answer, no stack, no crash, and no file but in payloads."""

from __future__ import annotations

import os
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import MethodDescriptorProto
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from platform_support import ECHO, FULL, Client, Server, accepted, every_method

from clara_cli.server.wire import models_pb2, payloads_pb2, pipelines_pb2
from clara_cli.server.wire.common_pb2 import Identifier

TEXTS = [
    *("", "/", "..", "../../../etc/passwd", "/etc/passwd", "./a", "a/b", "input/a", "operators/echo", "echo", "a\0b"),
    *("$(touch x)", "`id`", "; rm -rf /", "%s%n", "{0.__class__}", "clara-pod-manager", "\u202e", "\ud7ff", "a" * 5000),
    *("0" * 32, "ab" * 16, "name: x", ECHO, "--help", "-rf", "\n\r\t", "C:\\x", "file:///etc/passwd", "word"),
]
INTEGERS = [0, 1, 2, 3, 4, 5, 6, -1, 2**31 - 1, -(2**31)]


METHODS = {name: method for name, method in every_method().items() if method[1].name != "Stop"}


@pytest.fixture(scope="module")
def known(server: Server) -> list[str]:
    """Ids that name something."""
    server.program("echo", "print('hello')\n")
    with server.channel() as channel:
        client = Client(channel)
        pipeline = client.pipeline(ECHO)
        job = client.job(pipeline)
        client.upload(job.payload_id, "a", b"x")
        reusable = accepted(client.payloads.Create(payloads_pb2.PayloadsCreateRequest())).payload_id
        catalog = accepted(client.models.CreateCatalog(models_pb2.ModelsCreateCatalogRequest())).catalog_id
    return [one.value for one in (pipeline, job.job_id, job.payload_id, reusable, catalog)]


def messages(descriptor: Descriptor, known: list[str], depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Fields of a message, with values that are odd or mean something here."""
    if descriptor.full_name == Identifier.DESCRIPTOR.full_name:
        return st.fixed_dictionaries({"value": st.sampled_from([*known, *known, *TEXTS])})
    if depth > 3:
        return st.just({})
    return st.fixed_dictionaries({}, optional={field.name: values(field, known, depth) for field in descriptor.fields})


def values(field: FieldDescriptor, known: list[str], depth: int) -> st.SearchStrategy[Any]:
    kind, message = field.type, field.message_type
    if message is not None and message.GetOptions().map_entry:
        return st.dictionaries(texts(), texts(), max_size=4)
    one: st.SearchStrategy[Any]
    if message is not None:
        one = messages(message, known, depth + 1)
    elif kind == FieldDescriptor.TYPE_STRING:
        one = texts()
    elif kind == FieldDescriptor.TYPE_BYTES:
        one = st.binary(max_size=2000)
    elif kind == FieldDescriptor.TYPE_BOOL:
        one = st.just(False)  # a watched utilization does not end
    elif kind in (FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64):
        one = st.sampled_from([number for number in INTEGERS if number >= 0])
    elif kind in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE):
        one = st.floats(width=32)
    else:
        one = st.sampled_from(INTEGERS)
    repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == FieldDescriptor.LABEL_REPEATED
    return st.lists(one, max_size=3) if repeated else one


def texts() -> st.SearchStrategy[str]:
    return st.sampled_from(TEXTS) | st.text(max_size=20)


def call(channel: grpc.Channel, name: str, method: MethodDescriptorProto, requests: list[bytes]) -> list[bytes]:
    """Raw requests in, raw answers out; one request where they are not streamed."""
    make = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
    }[method.client_streaming, method.server_streaming]
    answer = make(f"/{name}")(iter(requests) if method.client_streaming else requests[0], timeout=60)
    return list(answer) if method.server_streaming else [answer]


def files(server: Server) -> set[str]:
    """All files of the server's folder but those of payloads, jobs and the database."""
    found = set()
    for folder, below, names in os.walk(server.folder):
        below[:] = [name for name in below if name not in ("payloads", "jobs")]
        found.update(f"{folder}/{name}" for name in (*below, *names) if "clara.db" not in name)
    return found


@pytest.mark.parametrize("name", METHODS)
def test_messages_that_can_be_read(server: Server, known: list[str], name: str) -> None:
    module, method = METHODS[name]
    request = getattr(module, method.input_type.rpartition(".")[2])
    response = getattr(module, method.output_type.rpartition(".")[2])
    before = files(server)
    with server.channel() as channel:

        @settings(max_examples=300 if FULL else 40, suppress_health_check=list(HealthCheck))
        @given(sent=st.lists(messages(request.DESCRIPTOR, known), min_size=1, max_size=3))
        def try_it(sent: list[dict[str, Any]]) -> None:
            answers = call(channel, name, method, [request(**fields).SerializeToString() for fields in sent])
            for answer in map(response.FromString, answers):
                assert answer.header.code != -0x0001, list(answer.header.messages)
                assert answer.header.code >= 0 or answer.header.messages
                assert "Traceback" not in "".join(answer.header.messages)

        try_it()
    assert files(server) - before == set()


@pytest.mark.parametrize("name", METHODS)
def test_bytes_that_are_no_message(server: Server, name: str) -> None:
    module, method = METHODS[name]
    response = getattr(module, method.output_type.rpartition(".")[2])
    before = files(server)
    with server.channel() as channel:

        @settings(max_examples=300 if FULL else 20, suppress_health_check=list(HealthCheck))
        @given(sent=st.lists(st.binary(max_size=200), min_size=1, max_size=3))
        def try_it(sent: list[bytes]) -> None:
            for answer in map(response.FromString, call(channel, name, method, sent)):
                assert answer.header.code != -0x0001, list(answer.header.messages)
                assert answer.header.code >= 0 or answer.header.messages

        try_it()
    assert files(server) - before == set()


def test_a_message_that_is_too_large_and_a_method_that_does_not_exist(server: Server) -> None:
    with server.channel() as channel:
        client = Client(channel)
        part = pipelines_pb2.PipelineDefinitionFile(path="a.yaml", content="#" * (17 << 20))
        answer = client.pipelines.Create(iter([pipelines_pb2.PipelinesCreateRequest(definition=part)]))
        assert answer.header.code == -0x1100 and "too large" in answer.header.messages[0]
        part.content = "#" * (65 << 20)
        with pytest.raises(grpc.RpcError, match="RESOURCE_EXHAUSTED"):
            client.pipelines.Create(iter([pipelines_pb2.PipelinesCreateRequest(definition=part)]))
        with pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
            channel.unary_unary("/nvidia.clara.platform.Jobs/Destroy")(b"")


def test_a_definition_whose_graph_has_too_many_paths(server: Server) -> None:
    """Spelled out as a tree its operators would be 3^30; a chain of them would be too deep to be read."""
    wide = "".join(
        f"- name: o{level}-{place}\n  container: {{image: echo}}\n  input:\n"
        + "".join(f"  - {{from: o{level - 1}-{other}, path: /in{other}}}\n" for other in range(3) if level)
        + ("  - {path: /input}\n" if not level else "")
        + "  output: [{path: /output}]\n"
        for level in range(30)
        for place in range(3)
    )
    chain = "".join(
        f"- name: o{level}\n  container: {{image: echo}}\n"
        f"  input: [{{{f'from: o{level - 1}, ' if level else ''}path: /input}}]\n  output: [{{path: /output}}]\n"
        for level in range(150)
    )
    head = ECHO.partition("- name")[0]
    with server.channel() as channel:
        client = Client(channel)
        for operators, count in ((wide, 90), (chain, 150)):
            pipeline = client.pipeline(head + operators)
            found = list(client.pipelines.Details(pipelines_pb2.PipelinesDetailsRequest(pipeline_id=pipeline)))
            assert "".join(one.definition.content for one in found) == head + operators
            assert len(found[0].dag) == count
        assert [node.name for node in found[0].dag[0].next] == ["o1"]
        job = client.job(pipeline).job_id
        assert [node.name for node in client.status(job).dag[1].input_dependencies] == ["o0"]
