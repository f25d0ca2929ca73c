"""The database refuses every change that the tables of the life cycles refuse, also through plain SQL."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.ids import new_id
from clara_cli.jobs import store
from clara_cli.jobs.model import Job
from clara_cli.jobs.states import (
    JOB_TRANSITIONS,
    OPERATOR_TRANSITIONS,
    JobPriority,
    JobState,
    JobStatus,
    OperatorStatus,
)
from clara_cli.root import choose_root

GOOD = {(before, after) for (before, _), after in JOB_TRANSITIONS.items()}
GOOD_OPERATORS = {(before, after) for (before, _), after in OPERATOR_TRANSITIONS.items()}
KNOWN = [(state, status) for state in JobState for status in JobStatus]


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that knows nothing of clara, to a database with one new job."""
    root = choose_root(Config(root=tmp_path / "root"))
    job = Job(
        *(new_id(), new_id(), new_id(), "n", JobState.PENDING, JobStatus.HEALTHY, JobPriority.NORMAL),
        *(1.0, None, None, None, "/folder", "{}"),
    )
    with Database(root) as database, database.write() as connection:
        store.insert_job(connection, job, [("a", "image:1")])
    connection = sqlite3.connect(root.database, isolation_level=None)
    yield connection
    connection.close()


def change(plain: sqlite3.Connection, state: JobState, status: JobStatus) -> None:
    plain.execute("UPDATE jobs SET state = ?, status = ?", (state.value, status.value))


@pytest.mark.parametrize("after", KNOWN)
@pytest.mark.parametrize("before", [(JobState.PENDING, JobStatus.HEALTHY), *sorted(set(JOB_TRANSITIONS.values()))])
def test_every_pair_of_a_job(
    plain: sqlite3.Connection, before: tuple[JobState, JobStatus], after: tuple[JobState, JobStatus]
) -> None:
    if before[0] is not JobState.PENDING:
        if (JobState.PENDING, before) not in GOOD:
            change(plain, JobState.RUNNING, JobStatus.HEALTHY)
        change(plain, *before)
    if (before[0], after) in GOOD:
        change(plain, *after)
        expected = after
    else:
        with pytest.raises(sqlite3.IntegrityError, match="life cycle of jobs"):
            change(plain, *after)
        expected = before
    assert plain.execute("SELECT state, status FROM jobs").fetchone() == tuple(word.value for word in expected)


@pytest.mark.parametrize(("state", "status"), [("DONE", "HEALTHY"), ("STOPPED", "GOOD"), (None, None), ("", "")])
def test_words_that_are_no_state(plain: sqlite3.Connection, state: str | None, status: str | None) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        plain.execute("UPDATE jobs SET state = ?, status = ?", (state, status))


@pytest.mark.parametrize(("state", "status"), KNOWN)
def test_a_job_begins_in_one_way(plain: sqlite3.Connection, state: JobState, status: JobStatus) -> None:
    insert = (
        "INSERT INTO jobs (id, payload_id, pipeline_id, name, state, status, priority, created, folder, definition) "
        "VALUES ('a', 'b', 'c', 'n', ?, ?, 'NORMAL', 1, '', '')"
    )
    if (state, status) == (JobState.PENDING, JobStatus.HEALTHY):
        plain.execute(insert, (state.value, status.value))
    else:
        with pytest.raises(sqlite3.IntegrityError, match="a new job is PENDING"):
            plain.execute(insert, (state.value, status.value))


@pytest.mark.parametrize(("before", "after"), list(itertools.product(OperatorStatus, OperatorStatus)))
def test_every_pair_of_an_operator(plain: sqlite3.Connection, before: OperatorStatus, after: OperatorStatus) -> None:
    if before is not OperatorStatus.PENDING:
        if before is OperatorStatus.COMPLETED:
            plain.execute("UPDATE operators SET status = 'RUNNING'")
        plain.execute("UPDATE operators SET status = ?", (before.value,))
    if (before, after) in GOOD_OPERATORS:
        plain.execute("UPDATE operators SET status = ?", (after.value,))
    else:
        with pytest.raises(sqlite3.IntegrityError, match="life cycle of operators"):
            plain.execute("UPDATE operators SET status = ?", (after.value,))


def test_what_a_job_holds_is_gone_when_it_has_ended(plain: sqlite3.Connection) -> None:
    (job,) = plain.execute("SELECT id FROM jobs").fetchone()
    plain.execute(
        "INSERT INTO claims (job_id, operator, cpus, memory, gpus, machine) VALUES (?, 'a', 1, 0, 0, '[]')", (job,)
    )
    change(plain, JobState.RUNNING, JobStatus.HEALTHY)
    assert plain.execute("SELECT count(*) FROM claims").fetchone() == (1,)
    change(plain, JobState.STOPPED, JobStatus.EVICTED)
    assert plain.execute("SELECT count(*) FROM claims").fetchone() == (0,)
