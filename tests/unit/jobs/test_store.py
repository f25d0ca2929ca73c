"""Job records, and a database that refuses what the table refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import StateConflict
from clara_cli.ids import new_id
from clara_cli.jobs import listing, lock, store
from clara_cli.jobs.model import Job
from clara_cli.jobs.recovery import recover
from clara_cli.jobs.states import JobEvent, JobPriority, JobState, JobStatus, OperatorEvent, OperatorStatus
from clara_cli.output import utc
from clara_cli.root import choose_root


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(choose_root(Config(root=tmp_path / "root"))) as opened:
        yield opened


def insert(database: Database, created: float = 1.0) -> str:
    job = Job(
        *(new_id(), new_id(), new_id(), "n", JobState.PENDING, JobStatus.HEALTHY, JobPriority.NORMAL),
        *(created, None, None, None, "/folder", "{}"),
    )
    with database.write() as connection:
        store.insert_job(connection, job, [("a", "image:1"), ("b", "image:2")])
        assert store.get_job(connection, job.id) == job
    return job.id


def test_jobs_are_listed_newest_first(database: Database) -> None:
    ids = [insert(database, created) for created in (2.0, 1.0, 3.0, 3.0)]
    with database.read() as connection:
        assert [job.id for job in store.list_jobs(connection)] == [ids[3], ids[2], ids[0], ids[1]]


def test_the_rows_of_a_list_are_what_the_records_say(database: Database) -> None:
    ids = [insert(database, created) for created in (0.0, 1700000000.999, 1700000000.999)]
    with database.write() as connection:
        store.submit_job(connection, ids[1])
        store.change_job(connection, ids[1], JobEvent.RUN)
        store.change_job(connection, ids[1], JobEvent.FAULT)
        store.submit_job(connection, ids[2])
        store.change_job(connection, ids[2], JobEvent.RUN)
    with database.read() as connection:
        assert listing.job_ids(connection) == [ids[2], ids[1], ids[0]]
        assert listing.job_rows(connection) == [
            (
                *(job.name, job.id, job.pipeline_id, job.state.wire, job.status.wire, job.priority.wire),
                *(utc(job.created), utc(job.started), utc(job.stopped)),
            )
            for job in store.list_jobs(connection)
        ]


def test_a_job_is_started_once(database: Database) -> None:
    job_id = insert(database)
    with database.write() as connection:
        store.submit_job(connection, job_id)
        with pytest.raises(StateConflict, match="was started before"):
            store.submit_job(connection, job_id)


def test_a_whole_life(database: Database) -> None:
    job_id = insert(database)
    with database.write() as connection:
        store.submit_job(connection, job_id)
        store.change_job(connection, job_id, JobEvent.RUN)
        store.change_operator(connection, job_id, "a", OperatorEvent.BEGIN)
        store.change_operator(connection, job_id, "a", OperatorEvent.COMPLETE, 0)
        store.change_operator(connection, job_id, "b", OperatorEvent.BEGIN)
        store.change_operator(connection, job_id, "b", OperatorEvent.FAULT, -9)
        store.change_job(connection, job_id, JobEvent.FAULT)
        with pytest.raises(StateConflict):
            store.change_job(connection, job_id, JobEvent.RUN)
        job = store.get_job(connection, job_id)
        first, second = store.get_operators(connection, job_id)
    assert (job.state, job.status, job.succeeded) == (JobState.STOPPED, JobStatus.FAULTED, False)
    assert job.started is not None and job.stopped is not None and job.started <= job.stopped
    assert (first.status, first.exit_code) == (OperatorStatus.COMPLETED, 0)
    assert (second.status, second.exit_code) == (OperatorStatus.FAULTED, -9)


def test_a_job_whose_runner_is_gone_is_evicted_and_one_that_lives_is_not(database: Database) -> None:
    alive, dead, never_started = insert(database), insert(database), insert(database)
    handle = lock.acquire(database.root.jobs / alive)
    assert handle is not None
    with database.write() as connection:
        for job_id in (alive, dead):
            store.submit_job(connection, job_id)
            store.change_job(connection, job_id, JobEvent.RUN)
        store.change_operator(connection, dead, "a", OperatorEvent.BEGIN)
    assert recover(database) == [dead]
    assert recover(database) == []
    with database.read() as connection:
        assert store.get_job(connection, alive).state is JobState.RUNNING
        assert store.get_job(connection, never_started).state is JobState.PENDING
        evicted = store.get_job(connection, dead)
        assert (evicted.state, evicted.status) == (JobState.STOPPED, JobStatus.EVICTED)
        statuses = [operator.status for operator in store.get_operators(connection, dead)]
        assert statuses == [OperatorStatus.FAULTED, OperatorStatus.PENDING]
        assert "without notice" in store.get_messages(connection, dead)[0].text
    os.close(handle)
    assert recover(database) == [alive]


def test_the_lock_is_held_by_whoever_inherits_it(tmp_path: Path) -> None:
    first = lock.acquire(tmp_path / "job")
    assert first is not None
    assert lock.acquire(tmp_path / "job") is None
    heir = os.dup(first)
    os.close(first)
    assert lock.acquire(tmp_path / "job") is None
    os.close(heir)
    again = lock.acquire(tmp_path / "job")
    assert again is not None
    os.close(again)
