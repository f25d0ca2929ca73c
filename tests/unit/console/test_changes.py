"""What has changed since the last look, told from the database alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support import pipeline_of, stored_job

from clara_cli.config import load_config
from clara_cli.console.changes import ANY_JOB, IMAGES, JOBS, PIPELINES, Changes, topic_of
from clara_cli.database import Database
from clara_cli.jobs import store
from clara_cli.jobs.removal import delete_jobs, find_jobs
from clara_cli.jobs.states import JobEvent, OperatorEvent
from clara_cli.pipelines.model import Operator
from clara_cli.root import choose_root

Look = Callable[[], set[str]]


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(choose_root(load_config())) as opened:
        yield opened


@pytest.fixture
def look(database: Database) -> Look:
    changes = Changes()

    def found() -> set[str]:
        with database.read() as connection:
            return changes.look(connection)

    return found


def new_job(tmp_path: object) -> str:
    return stored_job(pipeline_of(Operator("a", "a"), Operator("b", "b")), tmp_path)  # type: ignore[arg-type]


def test_a_jobs_whole_life(database: Database, look: Look, tmp_path: object) -> None:
    assert look() == set()
    job = new_job(tmp_path)
    assert look() >= {JOBS, PIPELINES}
    assert look() == set()

    def change(function: Callable[..., object], *args: object) -> set[str]:
        with database.write() as connection:
            function(connection, job, *args)
        return look()

    assert change(store.submit_job) == {topic_of(job), JOBS, PIPELINES}
    assert change(store.change_job, JobEvent.RUN) == {topic_of(job), JOBS, PIPELINES}
    # What the lists do not show is no news for them.
    assert change(store.change_operator, "a", OperatorEvent.BEGIN) == {topic_of(job)}
    assert change(store.change_operator, "a", OperatorEvent.COMPLETE) == {topic_of(job)}
    assert change(store.add_message, "info", "hello") == {topic_of(job)}
    assert change(store.change_job, JobEvent.SUCCEED) == {topic_of(job), JOBS, PIPELINES}
    assert look() == set()
    delete_jobs(database, find_jobs(database, [job]))
    assert JOBS in look()


def test_a_job_that_was_never_started_is_cancelled(database: Database, look: Look, tmp_path: object) -> None:
    job = new_job(tmp_path)
    look()
    with database.write() as connection:
        store.cancel(connection, job, "not wanted")
    found = look()
    assert JOBS in found and (ANY_JOB in found or topic_of(job) in found)


def test_other_lists(database: Database, look: Look) -> None:
    look()
    with database.write() as connection:
        connection.execute("INSERT INTO images VALUES ('a', 'b', '/f', NULL, 0, 1.0)")
    assert look() == {IMAGES}
    with database.write() as connection:
        connection.execute("DELETE FROM images")
    assert look() == {IMAGES}


def test_more_jobs_than_one_question_takes(database: Database, look: Look, tmp_path: object) -> None:
    jobs = [new_job(tmp_path) for _ in range(3)]
    with database.write() as connection:
        for job in jobs:
            store.submit_job(connection, job)
            store.change_job(connection, job, JobEvent.RUN)
    look()
    with database.write() as connection:
        store.change_operator(connection, jobs[1], "b", OperatorEvent.BEGIN)
    assert look() == {topic_of(jobs[1])}
