"""Finding jobs among others, and what goes on in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import pipeline_of, stored_job

from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.jobs import store
from clara_cli.jobs.overview import count_jobs, pipeline_summaries
from clara_cli.jobs.search import LARGEST_PAGE, ORDERS, JobQuery, search_jobs
from clara_cli.jobs.sizing import Run, past_runs, suggest
from clara_cli.jobs.states import JobEvent, JobPriority, JobState, JobStatus, OperatorEvent
from clara_cli.pipelines.model import Operator, Requests
from clara_cli.pipelines.store import delete_pipeline
from clara_cli.root import choose_root
from clara_cli.runtime.usage import Usage


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(choose_root(load_config())) as opened:
        yield opened


@pytest.fixture
def jobs(database: Database, tmp_path: Path) -> list[str]:
    """Five jobs of as many pipelines: the second runs, the third failed, the fourth went well, the last is urgent."""
    made = [stored_job(pipeline_of(Operator("a", "a")), tmp_path) for _ in range(5)]
    names = ["CT thorax 100%", "CT_abdomen", "mr Head", "MR knee", "other"]
    with database.write() as connection:
        for number, (job, name) in enumerate(zip(made, names, strict=True)):
            connection.execute("UPDATE jobs SET name = ?, created = ? WHERE id = ?", (name, 1000.0 + number, job))
        for job in made[1:4]:
            store.submit_job(connection, job)
            store.change_job(connection, job, JobEvent.RUN)
        store.change_job(connection, made[2], JobEvent.FAULT)
        store.change_job(connection, made[3], JobEvent.SUCCEED)
        connection.execute("UPDATE jobs SET priority = 'IMMEDIATE' WHERE id = ?", (made[4],))
    return made


def found(database: Database, **query: object) -> list[str]:
    with database.read() as connection:
        result = search_jobs(connection, JobQuery(**query))  # type: ignore[arg-type]
    assert result.total >= len(result.jobs)
    return [item.job.id for item in result.jobs]


def test_words_and_conditions(database: Database, jobs: list[str]) -> None:
    assert found(database) == jobs[::-1]
    assert found(database, text="ct") == [jobs[1], jobs[0]]
    assert found(database, text="CT thor") == [jobs[0]]
    # Wildcards of SQL are letters like others.
    assert found(database, text="100%") == [jobs[0]]
    assert found(database, text="T_a") == [jobs[1]]
    assert found(database, text="C%a") == [] and found(database, text="\\") == []
    assert found(database, text=jobs[2][:9]) == [jobs[2]]
    assert found(database, text=jobs[2][1:9]) == []
    assert found(database, text="test-pipeline") == jobs[::-1]
    assert found(database, states=(JobState.RUNNING,)) == [jobs[1]]
    assert found(database, states=(JobState.STOPPED,), statuses=(JobStatus.FAULTED,)) == [jobs[2]]
    assert found(database, priorities=(JobPriority.IMMEDIATE, JobPriority.LOWER)) == [jobs[4]]
    assert found(database, after=1001.0, before=1003.0) == [jobs[2], jobs[1]]
    assert found(database, text="mr", states=(JobState.STOPPED,)) == [jobs[3], jobs[2]]


def test_parts_and_orders(database: Database, jobs: list[str]) -> None:
    assert found(database, start=1, count=2) == [jobs[3], jobs[2]]
    assert found(database, start=10) == []
    assert len(found(database, count=LARGEST_PAGE * 10)) == 5
    assert found(database, order="name", ascending=True) == [jobs[0], jobs[1], jobs[2], jobs[3], jobs[4]]
    assert found(database, order="priority")[0] == jobs[4]
    assert found(database, order="status", ascending=True)[0] == jobs[4]
    for order in ORDERS:
        assert sorted(found(database, order=order)) == sorted(jobs)


def test_only_the_index_is_read(database: Database, jobs: list[str]) -> None:
    """A record holds a definition: ten thousand of them are not to be read for one page."""
    seen: list[str] = []
    with database.read() as connection:
        connection.set_trace_callback(seen.append)
        search_jobs(connection, JobQuery(states=(JobState.STOPPED,), order="started"))
        count_jobs(connection)
        connection.set_trace_callback(None)
        for statement in seen:
            if "FROM jobs" in statement:
                plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
                assert "SCAN jobs USING COVERING INDEX jobs_listed" in plan, (statement, plan)


def test_a_job_outlives_its_pipeline(database: Database, jobs: list[str]) -> None:
    with database.write() as connection:
        pipeline = store.get_job(connection, jobs[0]).pipeline_id
        delete_pipeline(connection, pipeline)
        (item,) = search_jobs(connection, JobQuery(text="thorax")).jobs
    assert item.pipeline == "test-pipeline"


def test_pipelines_in_numbers(database: Database, jobs: list[str]) -> None:
    with database.read() as connection:
        summaries = {item.pipeline.id: item for item in pipeline_summaries(connection)}
        running, failed, idle = (summaries[store.get_job(connection, jobs[at]).pipeline_id] for at in (1, 2, 0))
        assert count_jobs(connection) == {
            ("PENDING", "HEALTHY"): 2,
            ("RUNNING", "HEALTHY"): 1,
            ("STOPPED", "FAULTED"): 1,
            ("STOPPED", "HEALTHY"): 1,
        }
    assert (running.jobs, running.waiting, running.running) == (1, 0, 1) and running.operators == ("a",)
    assert failed.last is not None and failed.last.status is JobStatus.FAULTED
    assert idle.last is None and idle.jobs == 1


def test_what_runs_suggest(database: Database, jobs: list[str]) -> None:
    assert suggest([]) is None
    assert suggest([Run(10.0, 9.0, 100 << 20)]) == Requests(cpu=1, memory=128)
    assert suggest([Run(10.0, 9.0, 100 << 20), Run(2.0, 6.5, 10 << 20)]) == Requests(cpu=4, memory=128)
    assert suggest([Run(0.0, 0.0, 1)]) == Requests(cpu=1, memory=64)
    with database.write() as connection:
        pipeline = store.get_job(connection, jobs[1]).pipeline_id
        store.change_operator(connection, jobs[1], "a", OperatorEvent.BEGIN, now=2000.0)
        assert past_runs(connection, pipeline, "a") == []
        store.change_operator(connection, jobs[1], "a", OperatorEvent.COMPLETE, 0, 2004.0, Usage(3.0, 5 << 20))
        (run,) = past_runs(connection, pipeline, "a")
        (operator,) = store.get_operators(connection, jobs[1])
    assert run == Run(4.0, 3.0, 5 << 20) and run.cores == 0.75
    assert (operator.cpu_seconds, operator.peak_memory) == (3.0, 5 << 20)
