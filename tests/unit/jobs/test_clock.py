"""Times of jobs on a clock that is set while they run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.ids import new_id
from clara_cli.jobs import store
from clara_cli.jobs.clock import Clock
from clara_cli.jobs.model import Job
from clara_cli.jobs.recovery import recover
from clara_cli.jobs.states import JobEvent, JobPriority, JobState, JobStatus, OperatorEvent
from clara_cli.root import choose_root


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(choose_root(Config(root=tmp_path / "root"))) as opened:
        yield opened


def insert(database: Database, created: float) -> str:
    job = Job(
        *(new_id(), new_id(), new_id(), "n", JobState.PENDING, JobStatus.HEALTHY, JobPriority.NORMAL),
        *(created, None, None, None, "/folder", "{}"),
    )
    with database.write() as connection:
        store.insert_job(connection, job, [("a", "image:1")])
    return job.id


def test_a_clock_that_is_set_while_a_job_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    first = clock.now()
    for jump in (-1e9, 1e9):
        monkeypatch.setattr(time, "time", lambda jump=jump: first + jump)
        assert 0 <= clock.now() - first < 60


def test_times_go_on_from_one_that_lies_in_the_future(database: Database) -> None:
    future = time.time() + 1e8
    job_id = insert(database, future)
    with database.write() as connection:
        store.submit_job(connection, job_id)
        store.change_job(connection, job_id, JobEvent.RUN)
        started = store.get_job(connection, job_id).started
        assert started is not None
        clock = Clock(started)
        store.change_operator(connection, job_id, "a", OperatorEvent.BEGIN, now=clock.now())
        store.change_operator(connection, job_id, "a", OperatorEvent.COMPLETE, 0, clock.now())
        store.change_job(connection, job_id, JobEvent.SUCCEED, clock.now())
        job, (operator,) = store.get_job(connection, job_id), store.get_operators(connection, job_id)
    assert operator.started is not None and operator.stopped is not None
    assert job.created <= started <= operator.started <= operator.stopped <= (job.stopped or 0) < started + 60


def test_an_eviction_after_the_clock_was_set_back(database: Database) -> None:
    job_id = insert(database, time.time() + 1e8)
    with database.write() as connection:
        store.submit_job(connection, job_id)
        store.change_job(connection, job_id, JobEvent.RUN)
        store.change_operator(connection, job_id, "a", OperatorEvent.BEGIN, now=time.time() + 2e8)
    assert recover(database) == [job_id]
    with database.read() as connection:
        job, (operator,) = store.get_job(connection, job_id), store.get_operators(connection, job_id)
    assert job.started is not None and job.stopped is not None and job.stopped >= job.started
    assert operator.started is not None and operator.stopped is not None and operator.stopped >= operator.started
