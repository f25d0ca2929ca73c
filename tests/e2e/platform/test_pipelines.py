"""Definitions as they come over the wire: in files and parts of files, replaced and removed while jobs are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from platform_support import ECHO, Client, Server, accepted, refusal

from clara_cli.server.wire import jobs_pb2
from clara_cli.server.wire import pipelines_pb2 as wire
from clara_cli.server.wire.common_pb2 import Identifier

IMPORTING = """\
api-version: 0.4.0
orchestrator: Clara
name: importing-pipeline
operators:
- import: {path: parts/Echo.yaml}
"""
PART = """\
name: echo
container: {image: echo}
input: [{path: /input}]
output: [{path: /output}]
"""


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    server.program("echo", "print('hello')\n")
    with server.channel() as channel:
        yield Client(channel)


def create(client: Client, *parts: tuple[str, str], **fields: Any) -> Any:
    definitions = [wire.PipelineDefinitionFile(path=path, content=content) for path, content in parts]
    return client.pipelines.Create(wire.PipelinesCreateRequest(definition=one, **fields) for one in definitions)


def details(client: Client, pipeline: Identifier) -> list[Any]:
    return [accepted(one) for one in client.pipelines.Details(wire.PipelinesDetailsRequest(pipeline_id=pipeline))]


def test_parts_of_one_path_are_one_file_however_its_letters_are_written(client: Client) -> None:
    middle = len(ECHO) // 2
    made = accepted(create(client, ("a/Pipe.yaml", ECHO[:middle]), ("./A/pipe.YAML", ECHO[middle:]))).pipeline_id
    (found,) = details(client, made)
    assert (found.name, found.definition.path, found.definition.content) == ("echo-pipeline", "a/Pipe.yaml", ECHO)


def test_what_is_imported_comes_with_it_in_any_order(client: Client) -> None:
    for files in (
        [("x.yaml", IMPORTING), ("parts/echo.yaml", PART)],
        [("Parts/Echo.yaml", PART), ("x.yaml", IMPORTING)],
    ):
        made = accepted(create(client, *files)).pipeline_id
        found = details(client, made)
        assert {one.definition.content for one in found} == {IMPORTING, PART}
        assert {one.name for one in found} == {"importing-pipeline"} and {one.pipeline_id.value for one in found} == {
            made.value
        }
        assert [node.name for node in found[0].dag] == ["echo"]
        job = client.job(made).job_id
        client.start(job)
        assert client.ended(job).status == jobs_pb2.JOB_STATUS_HEALTHY


def test_an_import_that_did_not_come_is_said_with_file_and_line(client: Client) -> None:
    code, text = refusal(create(client, ("x.yaml", IMPORTING)))
    assert code == -0x1101 and "x.yaml:5:" in text and "parts/Echo.yaml" in text


def test_a_text_of_many_letters_comes_back_in_parts_that_clients_can_receive(client: Client) -> None:
    text = ECHO + "# ä\U0001f600\n" * 300_000
    made = accepted(create(client, ("x.yaml", text[:1_500_000]), ("x.yaml", text[1_500_000:]))).pipeline_id
    found = details(client, made)
    assert "".join(one.definition.content for one in found) == text
    assert max(one.ByteSize() for one in found) < 1 << 20


def test_metadata_in_each_message_is_one_set(client: Client) -> None:
    middle = len(ECHO) // 2
    made = accepted(
        create(client, ("x", ECHO[:middle]), ("x", ECHO[middle:]), metadata={"a": "1", "b": "2"})
    ).pipeline_id
    assert dict(details(client, made)[0].metadata) == {"a": "1", "b": "2"}


def test_several_pipelines_may_have_one_name(client: Client) -> None:
    made = {client.pipeline(ECHO).value for _ in range(2)}
    listed = [accepted(one).details for one in client.pipelines.List(wire.PipelinesListRequest())]
    assert len(made) == 2
    assert {one.name for one in listed if one.pipeline_id.value in made} == {"echo-pipeline"}


def test_jobs_keep_the_definition_that_they_were_created_with(client: Client) -> None:
    pipeline = client.pipeline(ECHO)
    before, other = client.job(pipeline).job_id, client.job(pipeline).job_id
    part = wire.PipelineDefinitionFile(path="y.yaml", content=ECHO.replace("- name: echo", "- name: renamed"))
    accepted(client.pipelines.Update(iter([wire.PipelinesUpdateRequest(pipeline_id=pipeline, definition=part)])))
    after = client.job(pipeline).job_id
    for job, name in ((before, "echo"), (after, "renamed")):
        client.start(job)
        assert [one.name for one in client.ended(job).operator_details] == [name]
    accepted(client.pipelines.Remove(wire.PipelinesRemoveRequest(pipeline_id=pipeline)))
    code, _ = refusal(client.jobs.Create(jobs_pb2.JobsCreateRequest(pipeline_id=pipeline, name="job")))
    assert code == -0x1001
    client.start(other)
    ended = client.ended(other)
    # NVIDIA's client fails on a job without the id of its pipeline.
    assert ended.status == jobs_pb2.JOB_STATUS_HEALTHY and ended.pipeline_id == pipeline


def test_an_update_that_is_wrong_changes_nothing(client: Client) -> None:
    pipeline = client.pipeline(ECHO)
    part = wire.PipelineDefinitionFile(path="y.yaml", content=ECHO.replace("image:", "imagine:"))
    code, text = refusal(
        client.pipelines.Update(iter([wire.PipelinesUpdateRequest(pipeline_id=pipeline, definition=part)]))
    )
    assert code == -0x1101 and "y.yaml:6:" in text
    assert details(client, pipeline)[0].definition.content == ECHO


def test_a_job_that_takes_too_long_is_terminated(client: Client, server: Server) -> None:
    server.program("sleeper", "import time\ntime.sleep(60)\n")
    text = ECHO.replace("name: echo-pipeline", "name: echo-pipeline\ntimeout: 1").replace(
        "image: echo", "image: sleeper"
    )
    job = client.job(client.pipeline(text)).job_id
    client.start(job)
    ended = client.ended(job)
    assert ended.status == jobs_pb2.JOB_STATUS_TERMINATED and "1 s" in "".join(ended.messages)


def test_answers_that_are_kept_are_never_old(client: Client) -> None:
    """Status and List are answered from memory while nothing changes; whatever changed last is in them."""
    pipeline = client.pipeline(ECHO)
    wanted = jobs_pb2.JobsListRequest(filter=jobs_pb2.JobsListRequest.JobFilter(pipeline_id=[pipeline]))
    for count in range(1, 20):
        job = client.job(pipeline, f"job {count}").job_id
        for number in range(3):
            accepted(client.jobs.AddMetadata(jobs_pb2.JobsAddMetadataRequest(job_id=job, metadata={f"k{number}": "v"})))
            assert len(client.status(job).metadata) == number + 1
            listed = [accepted(one).job_details for one in client.jobs.List(wanted)]
            assert len(listed) == count and len(listed[-1].metadata) == number + 1
        if count % 5 == 0:
            accepted(client.jobs.Cancel(jobs_pb2.JobsCancelRequest(job_id=job)))
            assert client.status(job).state == jobs_pb2.JOB_STATE_STOPPED
