"""Ten thousand jobs in the database."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from pathlib import Path

from support import Clara, installed_command

from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.ids import new_id
from clara_cli.jobs import store
from clara_cli.jobs.model import Job
from clara_cli.jobs.recovery import recover
from clara_cli.jobs.states import JobEvent, JobPriority, JobState, JobStatus
from clara_cli.root import choose_root

MANY = 10_000


def fill(root: Path, count: int) -> str:
    """Jobs of which nine in ten have ended; returns the id of one."""
    os.environ["CLARA_ROOT"] = str(root)
    with Database(choose_root(load_config())) as database, database.write() as connection:
        for number in range(count):
            job = Job(
                *(new_id(), new_id(), new_id(), f"job-{number}", JobState.PENDING, JobStatus.HEALTHY),
                *(JobPriority.NORMAL, time.time() - count + number, None, None, None, "/f", "{}" + " " * 2000),
            )
            store.insert_job(connection, job, [("a", "image:1")])
            if number % 10:
                store.submit_job(connection, job.id)
                store.change_job(connection, job.id, JobEvent.RUN)
                store.change_job(connection, job.id, JobEvent.SUCCEED)
    return job.id


def steps_of_recovery(root: Path) -> int:
    """How many steps SQLite takes to see that nothing is to be done."""
    os.environ["CLARA_ROOT"] = str(root)
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    with Database(choose_root(load_config())) as database:
        with database.read() as connection:
            connection.set_progress_handler(count, 1)
        assert recover(database) == []
    return steps


def cpu_time(root: Path, *words: str) -> float:
    """Seconds of processor time of a command: what other programs do meanwhile does not count."""
    taken = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [installed_command(), *words],
            env={**os.environ, "CLARA_ROOT": str(root)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(taken)


def test_lists_and_descriptions_of_many(clara: Clara, tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    some, other = fill(few, 10), fill(many, MANY)
    answer = clara("list", "jobs").lines
    assert len(answer) == MANY + 1 and len({len(line) for line in answer if "STOPPED" in line.split()[3]}) == 1
    assert cpu_time(many, "list", "jobs") < 3 * cpu_time(few, "list", "jobs")
    assert cpu_time(many, "describe", "job", other) < 3 * cpu_time(few, "describe", "job", some)
    assert steps_of_recovery(many) == steps_of_recovery(few)
