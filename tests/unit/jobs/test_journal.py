"""The journal of a job that runs elsewhere: written whole, taken in once, whatever was cut."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import pipeline_of, stored_job

from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.errors import RuntimeFailure
from clara_cli.jobs import intake, journal, placed, store
from clara_cli.jobs.clock import Clock
from clara_cli.jobs.journal import BEGAN, ENDED, LOST, MESSAGE, OPERATOR_BEGAN, OPERATOR_ENDED, Journal
from clara_cli.jobs.model import Job
from clara_cli.jobs.states import JobState, JobStatus, OperatorStatus
from clara_cli.pipelines.model import Operator
from clara_cli.root import choose_root
from clara_cli.runtime.plan import JobResult
from clara_cli.slurm.states import End, Seen, Verdict, verdict


@pytest.fixture
def database(world: Path) -> Iterator[Database]:
    with Database(choose_root(load_config())) as database:
        yield database


@pytest.fixture
def job(database: Database, tmp_path: Path) -> str:
    """A job of two operators that Slurm has as number 12."""
    job = stored_job(pipeline_of(Operator("a", "a"), Operator("b", "b")), tmp_path)
    with database.write() as connection:
        store.submit_job(connection, job)
        placed.enter(connection, [job])
        placed.hand_over(connection, [(job, "12")])
    (database.root.jobs / job).mkdir(parents=True)
    return job


@pytest.fixture
def writer(database: Database, job: str) -> Journal:
    folder = database.root.jobs / job
    assert journal.open_journal(folder)
    return Journal(folder, Clock())


def take(database: Database, job: str, found: Verdict | None = None) -> Job:
    with database.read() as connection:
        item = placed.find(connection, job)
    assert item is not None
    intake.take_in(database, item, found)
    with database.read() as connection:
        return store.get_job(connection, job)


def messages(database: Database, job: str) -> list[str]:
    with database.read() as connection:
        return [item.text for item in store.get_messages(connection, job)]


def began(writer: Journal) -> None:
    writer.write(BEGAN, remote="12", node="n3", pid=1, mounted={"a": True})


def test_each_line_is_taken_in_once(database: Database, job: str, writer: Journal) -> None:
    began(writer)
    assert take(database, job).state is JobState.RUNNING
    writer.write(OPERATOR_BEGAN, operator="a")
    writer.write(MESSAGE, severity="warning", text="a word")
    for _ in range(3):
        take(database, job)
    assert messages(database, job) == ["a word"]
    writer.write(OPERATOR_ENDED, operator="a", completed=True, code=0)
    writer.write(OPERATOR_BEGAN, operator="b")
    writer.write(OPERATOR_ENDED, operator="b", completed=True, code=0)
    writer.end(JobResult(), signalled=False)
    ended = take(database, job)
    assert ended.succeeded and ended.started is not None and ended.stopped is not None
    with database.read() as connection:
        assert {item.status for item in store.get_operators(connection, job)} == {OperatorStatus.COMPLETED}
        assert placed.live(connection) == []
    # What comes after the end changes nothing.
    writer.write(MESSAGE, severity="error", text="late")
    assert take(database, job) == ended and messages(database, job) == ["a word"]


READER = """
from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.jobs import intake, placed
from clara_cli.root import choose_root
with Database(choose_root(load_config())) as database:
    for _ in range(100):
        with database.read() as connection:
            (item,) = placed.live(connection)
        intake.take_in(database, item)
"""


def test_many_readers_at_once(database: Database, job: str, writer: Journal) -> None:
    began(writer)
    readers = [subprocess.Popen([sys.executable, "-c", READER]) for _ in range(4)]
    number = 0
    while any(reader.poll() is None for reader in readers):
        writer.write(MESSAGE, severity="info", text=str(number))
        number += 1
    assert [reader.returncode for reader in readers] == [0] * 4
    take(database, job)
    assert messages(database, job) == [str(count) for count in range(number)] and number > 100


@pytest.mark.parametrize("cut", range(0, 70, 7))
def test_a_line_that_is_cut(database: Database, job: str, writer: Journal, cut: int) -> None:
    began(writer)
    path = journal.journal_of(database.root.jobs / job)
    line = json.dumps({"event": MESSAGE, "at": 1.0, "severity": "info", "text": "never whole" * 3}).encode()
    with path.open("ab") as file:
        file.write(line[: min(cut, len(line) - 1)])
    assert take(database, job).state is JobState.RUNNING  # it may be still on its way
    writer.write(LOST, signal=9)
    assert take(database, job).state is JobState.RUNNING  # Slurm is asked first
    ended = take(database, job, verdict("12", Seen("FAILED", "", "n3", 137)))
    assert (ended.state, ended.status) == (JobState.STOPPED, JobStatus.EVICTED)
    (text,) = messages(database, job)
    assert text.startswith("the job's runner was killed by signal 9; files and logs are kept")


def test_who_makes_the_journal_decides(database: Database, job: str) -> None:
    folder = database.root.jobs / job
    with database.read() as connection:
        item = placed.find(connection, job)
    assert item is not None
    intake.settle(database, item, verdict("12", Seen("CANCELLED")))
    assert not journal.open_journal(folder)  # a runner that comes now is too late
    with database.read() as connection:
        assert store.get_job(connection, job).status is JobStatus.CANCELED
    assert messages(database, job) == ["it was cancelled in Slurm (Slurm job 12: CANCELLED)"]


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (Seen("TIMEOUT", "TimeLimit", "n3"), JobStatus.TERMINATED),
        (Seen("PREEMPTED", "", "n3"), JobStatus.EVICTED),
        (Seen("NODE_FAIL", "", "n3"), JobStatus.EVICTED),
        (Seen("OUT_OF_MEMORY", "", "n3"), JobStatus.FAULTED),
        (Seen("CANCELLED", "", "n3"), JobStatus.CANCELED),
        (Seen("PENDING", "BeginTime"), JobStatus.EVICTED),
        (Seen("FAILED", "NonZeroExitCode", "n3", 1), JobStatus.CANCELED),
        (None, JobStatus.CANCELED),
    ],
)
def test_an_end_by_a_signal_is_what_slurm_says(
    database: Database, job: str, writer: Journal, seen: Seen | None, status: JobStatus
) -> None:
    began(writer)
    writer.write(OPERATOR_BEGAN, operator="a")
    writer.end(JobResult(stopped="the runner got SIGTERM"), signalled=True)
    assert take(database, job).state is JobState.RUNNING
    assert take(database, job, verdict("12", seen)).status is status
    with database.read() as connection:
        assert store.get_operators(connection, job)[0].status is OperatorStatus.FAULTED


def test_the_reason_of_a_cancel_stays(database: Database, job: str, writer: Journal) -> None:
    began(writer)
    with database.write() as connection:
        store.ask_to_cancel(connection, job, "wrong volume")
    writer.end(JobResult(stopped="the runner got SIGTERM"), signalled=True)
    assert take(database, job).status is JobStatus.CANCELED
    assert messages(database, job) == ["cancelled: wrong volume"]


def test_before_it_began_no_limit_can_be_over(database: Database, job: str) -> None:
    with database.read() as connection:
        item = placed.find(connection, job)
    assert item is not None
    intake.settle(database, item, Verdict(End.TERMINATE, "deadline", True))
    with database.read() as connection:
        assert store.get_job(connection, job).status is JobStatus.EVICTED


def test_a_hand_over_that_was_interrupted(database: Database, job: str) -> None:
    with database.write() as connection:
        connection.execute("UPDATE placed SET remote = NULL")
    intake.refresh(database)
    with database.read() as connection:
        assert store.get_job(connection, job).status is JobStatus.FAULTED
    assert "handing the job over to Slurm was interrupted" in messages(database, job)[0]
    assert not journal.open_journal(database.root.jobs / job)


def test_a_hand_over_that_was_interrupted_after_the_job_began(database: Database, job: str, writer: Journal) -> None:
    with database.write() as connection:
        connection.execute("UPDATE placed SET remote = NULL")
    writer.write(BEGAN, remote="77_3", node="n3", pid=1, mounted={})
    intake.refresh(database)
    with database.read() as connection:
        item = placed.find(connection, job)
    assert item is not None and item.remote == "77_3"


def test_a_deleted_job_is_no_error(database: Database, job: str, writer: Journal) -> None:
    began(writer)
    with database.read() as connection:
        item = placed.find(connection, job)
    assert item is not None
    with database.write() as connection:
        connection.execute("DELETE FROM jobs")
    intake.take_in(database, item)
    intake.settle(database, item, verdict("12", None))


def test_results_come_back_as_they_were(database: Database, job: str, writer: Journal) -> None:
    result = JobResult(terminated="the job took longer than its time limit of 1 s")
    writer.end(result, signalled=False)
    assert journal.last_result(database.root.jobs / job) == result


def test_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match="cannot write the journal"):
        Journal(tmp_path / "none", Clock()).write(ENDED)
    with pytest.raises(RuntimeFailure, match="cannot write the journal"):
        journal.open_journal(tmp_path / "none")


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.sampled_from(["a", "b", "n3"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
lines = st.binary(max_size=40) | st.builds(
    lambda event, at, more: json.dumps({"event": event, "at": at, **more}).encode(),
    st.sampled_from([BEGAN, OPERATOR_BEGAN, OPERATOR_ENDED, MESSAGE, ENDED, LOST, "new"]),
    st.floats() | st.none(),
    st.dictionaries(
        st.sampled_from(
            [
                *("remote", "node", "mounted", "operator", "completed", "code", "severity", "text"),
                *("failures", "stopped", "terminated", "doubtful", "signal"),
            ]
        ),
        values,
    ),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, max_size=12), st.booleans())
def test_whatever_stands_in_a_journal(
    database: Database, tmp_path_factory: pytest.TempPathFactory, written: list[bytes], whole: bool
) -> None:
    job = stored_job(pipeline_of(Operator("a", "a"), Operator("b", "b")), tmp_path_factory.mktemp("programs"))
    with database.write() as connection:
        store.submit_job(connection, job)
        placed.enter(connection, [job])
        placed.hand_over(connection, [(job, "12")])
    folder = database.root.jobs / job
    folder.mkdir(parents=True)
    journal.journal_of(folder).write_bytes(b"\n".join(written) + (b"\n" if whole else b""))
    take(database, job)
    with database.read() as connection:
        item = placed.find(connection, job)
    assert item is not None
    intake.settle(database, item, verdict("12", Seen("FAILED", "", "n3", 1)))
    ended = take(database, job)
    assert ended.state is JobState.STOPPED
    messages(database, job)
    journal.last_result(folder)
