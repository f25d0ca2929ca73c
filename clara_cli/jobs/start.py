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
from clara_cli.images.make_environment import Progress
from clara_cli.jobs import definition, lock, store
from clara_cli.jobs.actions import find_job
from clara_cli.jobs.prepare import prepare
from clara_cli.jobs.states import JobEvent, OperatorEvent
from clara_cli.pipelines.model import to_json
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
    database: Database,
    config: Config,
    text: str,
    values: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> SubmittedJob:
    """Check that a job can run on this machine and accept its start.

    Args:
        values: for parameters of the pipeline, by name; under the name of a service's connection the address of a
            server that runs already.
        progress: told what is done when an operator's environment is made.

    Raises:
        NotFound: no such job.
        StateConflict: it was started before.
        DefinitionError: placeholders that nothing fills, or values that do not fit; says so for all at once.
        ImageError: an operator's or service's image has no local program, or a model or an environment is missing;
            says so for all of them at once.
        PayloadError: the job's input folder is gone.
    """
    view = find_job(database, text)
    store.check_not_submitted(view.job)
    if not view.tree.input.is_dir():
        raise PayloadError(f"the payload of job {view.job.id} is gone: there is no folder {view.tree.input}")
    given = values or {}
    variables, addresses = definition.split(view.job, given)
    pipeline = definition.filled(database, view.job, variables)
    plan = prepare(database, config, view, pipeline, addresses=addresses, progress=progress)
    handle = lock.acquire(view.folder)
    try:
        with database.write() as connection:
            store.submit_job(connection, view.job.id)
            if view.job.templated or given:
                text = json.dumps(to_json(pipeline))
                store.fill_job(connection, view.job.id, text, definition.operator_images(pipeline), given)
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
        _, addresses = definition.split(view.job, view.job.variables)
        plan = prepare(database, config, view, definition.stored(view.job), addresses=addresses)
        return SubmittedJob(plan, handle)
    except ClaraError as error:
        _conclude(database, job_id, JobResult(), error.message)
        raise


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
        elif result.terminated is not None:
            store.change_job(connection, job_id, JobEvent.TERMINATE)
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
