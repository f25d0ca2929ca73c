"""Starting a job: checked and accepted here, then run in this process or by a runner of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError, PayloadError, RuntimeFailure, StateConflict
from clara_cli.images.lookup import find_programs
from clara_cli.images.store import registered_images
from clara_cli.jobs import definition, lock, store
from clara_cli.jobs.actions import JobView, find_job
from clara_cli.jobs.states import JobEvent, OperatorEvent
from clara_cli.pipelines.model import Pipeline, to_json
from clara_cli.runtime.environment import passed_on
from clara_cli.runtime.listener import Listener
from clara_cli.runtime.plan import JobPlan, JobResult
from clara_cli.runtime.runner import Runner
from clara_cli.runtime.stop import StopRequest


@dataclass
class SubmittedJob:
    """A job whose start was accepted; `lock` is the descriptor that proves its runner alive."""

    plan: JobPlan
    lock: int


def submit_job(
    database: Database, config: Config, text: str, variables: Mapping[str, str] | None = None
) -> SubmittedJob:
    """Check that a job can run on this machine and accept its start.

    Args:
        variables: values for parameters of the pipeline.

    Raises:
        NotFound: no such job.
        StateConflict: it was started before.
        DefinitionError: placeholders that nothing fills, or values that do not fit; says so for all at once.
        ImageError: an operator's image has no local program; says so for all operators at once.
    """
    view = find_job(database, text)
    values = variables or {}
    store.check_not_submitted(view.job)
    if not view.tree.input.is_dir():
        raise PayloadError(f"the payload of job {view.job.id} is gone: there is no folder {view.tree.input}")
    filled = definition.filled(database, view.job, values)
    plan = _plan(database, config, view, filled or definition.stored(view.job))
    handle = lock.acquire(view.folder)
    try:
        with database.write() as connection:
            store.submit_job(connection, view.job.id)
            if filled is not None:
                text = json.dumps(to_json(filled))
                store.fill_job(connection, view.job.id, text, definition.operator_images(filled), values)
            if handle is None:
                raise StateConflict(f"another process is about to run job {view.job.id}")
    except BaseException:
        if handle is not None:
            os.close(handle)
        raise
    return SubmittedJob(plan, handle)


def resume_submitted(database: Database, config: Config, job_id: str, handle: int) -> SubmittedJob:
    """A job that another process submitted and handed to this one with its lock.

    Raises:
        ImageError: a program has vanished in between; the job is recorded as faulted.
    """
    try:
        view = find_job(database, job_id)
        return SubmittedJob(_plan(database, config, view, definition.stored(view.job)), handle)
    except ClaraError as error:
        _conclude(database, job_id, JobResult(), error.message)
        raise


def _plan(database: Database, config: Config, view: JobView, pipeline: Pipeline) -> JobPlan:
    with database.read() as connection:
        images = registered_images(connection)
    programs = find_programs(
        pipeline.operators,
        registered=images,
        definition_folder=Path(view.job.folder) if view.job.folder else None,
        search_path=config.operator_path,
    )
    return JobPlan(view.job.id, view.job.name, pipeline, programs, view.tree, view.folder, passed_on())


def run_job(database: Database, submitted: SubmittedJob, listener: Listener, stop: StopRequest) -> JobResult:
    """Run a submitted job here, to its end, and record how it goes. The lock is given up afterwards."""
    job_id = submitted.plan.job_id
    try:
        with database.write() as connection:
            store.change_job(connection, job_id, JobEvent.RUN)
        result = Runner(submitted.plan, _Recorder(database, job_id, listener), stop).run()
        _conclude(database, job_id, result)
    except BaseException as error:
        # Recorded as far as possible; else the next command finds a job without a runner and evicts it.
        with suppress(ClaraError):
            _conclude(database, job_id, JobResult(), str(error) or type(error).__name__)
        raise
    finally:
        os.close(submitted.lock)
    return result


def _conclude(database: Database, job_id: str, result: JobResult, error: str | None = None) -> None:
    with database.write() as connection:
        if error is not None:
            store.add_message(connection, job_id, "error", error)
            store.change_job(connection, job_id, JobEvent.FAULT)
        elif result.failures:
            store.change_job(connection, job_id, JobEvent.FAULT)
        elif result.stopped is not None:
            store.add_message(connection, job_id, "info", f"cancelled: {result.stopped}")
            store.change_job(connection, job_id, JobEvent.CANCEL)
        else:
            store.change_job(connection, job_id, JobEvent.SUCCEED)


def run_detached(database: Database, submitted: SubmittedJob, config_file: str | None) -> None:
    """Hand a submitted job to a runner of its own, which outlives this process."""
    command = [
        *(sys.executable, "-m", "clara_cli.jobs.detached"),
        *(submitted.plan.job_id, str(submitted.lock), config_file or ""),
    ]
    try:
        with (submitted.plan.folder / "runner.log").open("ab") as log:
            # What is waited for is only its first moment: it forks at once, so that it is nobody's child here.
            status = subprocess.run(
                command,
                check=False,
                # With -m the folder that holds this very package comes first on the path.
                cwd=Path(__file__).parents[2],
                env={**os.environ, "CLARA_ROOT": str(database.root.path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(submitted.lock,),
                start_new_session=True,
            ).returncode
    finally:
        os.close(submitted.lock)
    if status != 0:
        raise RuntimeFailure(f"the job's runner did not start; see {submitted.plan.folder / 'runner.log'}")


@dataclass
class _Recorder:
    """Writes what happens to a running job into the database, then passes it on."""

    database: Database
    job_id: str
    listener: Listener

    @property
    def interval(self) -> float | None:
        return self.listener.interval

    def operator_began(self, name: str) -> None:
        with self.database.write() as connection:
            store.change_operator(connection, self.job_id, name, OperatorEvent.BEGIN)
        self.listener.operator_began(name)

    def operator_ended(self, name: str, completed: bool, code: int | None) -> None:
        event = OperatorEvent.COMPLETE if completed else OperatorEvent.FAULT
        with self.database.write() as connection:
            store.change_operator(connection, self.job_id, name, event, code)
        self.listener.operator_ended(name, completed, code)

    def message(self, severity: str, text: str) -> None:
        with self.database.write() as connection:
            store.add_message(connection, self.job_id, severity, text)
        self.listener.message(severity, text)

    def tick(self) -> None:
        self.listener.tick()
