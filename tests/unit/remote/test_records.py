"""Records on the wire: what comes out is what went in, and every field is carried or left out on purpose."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.images.reference import RegisteredImage
from clara_cli.jobs.clean import Ended
from clara_cli.jobs.model import Job, OperatorRecord
from clara_cli.jobs.model import Message as JobMessage
from clara_cli.jobs.placed import Placed
from clara_cli.jobs.states import JobPriority, JobState, JobStatus, OperatorStatus
from clara_cli.models.store import Model
from clara_cli.payloads.model import Payload, PayloadKind
from clara_cli.payloads.walk import Entry
from clara_cli.pipelines.store import PipelineRecord
from clara_cli.runtime.log_stream import Line
from clara_cli.runtime.namespace import Bind
from clara_cli.runtime.started import Started
from clara_cli.server.records import fill, process, read, started
from clara_cli.server.wire import commands_pb2 as wire

ODD = "no\udcfftext"
RECORDS: list[tuple[Any, type[Message]]] = [
    (PipelineRecord("p", "ünï", 1.25, "", '{"a": 1}', {"b": None, "a": "", "c": "x"}, True), wire.Pipeline),
    (OperatorRecord("o", "image:1", OperatorStatus.FAULTED, 1.5, None, -9, False, 0.25, 1 << 40), wire.Operator),
    (OperatorRecord("o", "", OperatorStatus.PENDING, None, None, None), wire.Operator),
    (JobMessage(1.0, "error", "two\nlines"), wire.JobMessage),
    (Payload("p", PayloadKind.REUSABLE, 3.125, None, {"z": "1", "a": ""}), wire.Payload),
    (Payload("p", PayloadKind.PIPELINE, 3.125, "j"), wire.Payload),
    (Entry(f"a/{ODD}", 1 << 40, 0o100755, "it is a FIFO"), wire.Entry),
    (Entry("a", 0, 0), wire.Entry),
    (Model("m", "n", "pytorch", (1, 2, 1 << 40), 2.0), wire.Model),
    (RegisteredImage("n", "1", Path(f"/x/{ODD}"), Path("/usr/bin/python3"), True), wire.Image),
    (RegisteredImage("n", "", Path("/x")), wire.Image),
    (Ended("j", "p", "n", "HEALTHY", 1.0, 1 << 50), wire.Ended),
    (Line(1.5, 2, "n", b"\xff\n"), wire.ReadLogsResponse.Line),
    (Bind(f"/{ODD}", "/b", True), wire.Mount),
    (Placed("j", "17_3", 1 << 40, "PENDING (Resources)", "", None), wire.Placed),
    (Placed("j", None, 0, "", "n1", 2.5), wire.Placed),
]


def names(kind: Any) -> set[str]:
    return set(kind._fields) if hasattr(kind, "_fields") else {field.name for field in fields(kind)}


@pytest.mark.parametrize(("record", "message"), RECORDS, ids=lambda value: type(value).__name__)
def test_there_and_back(record: Any, message: type[Message]) -> None:
    sent = message.FromString(fill(message(), record).SerializeToString())
    assert read(sent, type(record)) == record


@pytest.mark.parametrize(("record", "message"), RECORDS, ids=lambda value: type(value).__name__)
def test_every_field_is_carried(record: Any, message: type[Message]) -> None:
    carried = {field.name for field in message().DESCRIPTOR.fields}
    # Where a definition lay is for the machine that runs it.
    assert names(type(record)) - carried <= {"folder"} and carried <= names(type(record))


@given(
    st.builds(
        Job,
        *[st.text("abcdef0123456789", min_size=1)] * 3,
        st.text(st.characters(codec="utf-8")),
        st.sampled_from(JobState),
        st.sampled_from(JobStatus),
        st.sampled_from(JobPriority),
        st.floats(0, 1e12),
        *[st.none() | st.floats(0, 1e12)] * 3,
        folder=st.just(""),
        definition=st.just(""),
        templated=st.just(False),
        variables=st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))),
    )
)
def test_jobs(job: Job) -> None:
    sent = wire.Job.FromString(fill(wire.Job(), job).SerializeToString())
    back = read(sent, Job)
    assert back == job and list(back.variables) == list(job.variables)


@pytest.mark.parametrize("mounts", [None, (), (Bind("/input", f"/x/{ODD}"),)])
def test_processes(mounts: tuple[Bind, ...] | None) -> None:
    one = Started(("python", ODD), "/x", {"B": ODD, "A": ""}, mounts, "" if mounts is not None else "bwrap is missing")
    assert started(wire.Process.FromString(process("o", one).SerializeToString())) == one


def test_what_a_newer_server_may_say_is_refused() -> None:
    with pytest.raises(ValueError, match="PAUSED"):
        read(wire.Job(state="PAUSED"), Job)
