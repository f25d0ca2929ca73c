"""Starting a job: checked and accepted here, then run in this process or by a runner of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError, NotFound, PayloadError, RuntimeFailure, StateConflict
from clara_cli.home import from_home
from clara_cli.jobs import claims, definition, lock, store
from clara_cli.jobs.actions import find_job
from clara_cli.jobs.clock import Clock
from clara_cli.jobs.outcome import event_of
from clara_cli.jobs.prepare import prepare
from clara_cli.jobs.queue import Bell, SharedRoom, wait_for_turn
from clara_cli.jobs.recovery import follow_up, release_room
from clara_cli.jobs.reuse import confirm, forget, look_back, record, share, share_logs, without
from clara_cli.jobs.states import JobEvent, JobState, OperatorEvent
from clara_cli.payloads.removal import remove_tree
from clara_cli.pipelines.model import to_json
from clara_cli.root import Root
from clara_cli.runtime.capacity import Need, need
from clara_cli.runtime.fork_server import ForkServer
from clara_cli.runtime.listener import Listener
from clara_cli.runtime.mounts_memory import forget as forget_mounts
from clara_cli.runtime.plan import JobPlan, JobResult
from clara_cli.runtime.runner import Runner
from clara_cli.runtime.stop import StopRequest
from clara_cli.runtime.usage import Usage

if TYPE_CHECKING:
    from clara_cli.images.make_environment import Progress


@dataclass
class SubmittedJob:
    """A job whose start was accepted: a context manager, at whose end the job has a runner or has ended.

    Attributes:
        lock: the descriptor that proves its runner alive.
        reused: operators that an earlier job ran, with its id; they are no part of the plan.
    """

    database: Database
    plan: JobPlan
    lock: int
    reused: Mapping[str, str] = field(default_factory=dict)

    def __enter__(self) -> SubmittedJob:
        return self

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        try:
            if error is not None:
                # As far as possible; else the next command finds a job without a runner and evicts it.
                with suppress(ClaraError):
                    _record_failure(self.database, self.plan.job_id, str(error) or type(error).__name__)
        finally:
            os.close(self.lock)


def submit_job(
    database: Database,
    config: Config,
    text: str,
    values: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    *,
    reuse: bool = False,
    queued: bool = True,
) -> SubmittedJob:
    """Check that a job can run and accept its start.

    Args:
        values: for parameters of the pipeline, by name; under the name of a service's connection the address of a
            server that runs already.
        progress: told what is done when an operator's environment is made.
        reuse: operators that an earlier job ran on the same input are not run.
        queued: it waits for its turn on this machine; else it is handed to another engine (`placing`).

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
    # A job that goes on from another one has values from there.
    given = {**view.job.variables, **(values or {})}
    variables, addresses = definition.split(view.job, given)
    pipeline = definition.filled(database, view.job, variables)
    left = definition.remaining(pipeline, view.operators)
    if values and left != pipeline:
        raise StateConflict(
            f"job {view.job.id} goes on from another one, so its values are known",
            hint="other values are given where such a job is made: clara start job -j ID --resume --set NAME=VALUE",
        )
    plan = prepare(database, config, view, left, addresses=addresses, progress=progress)
    recipes, found = look_back(database, view, plan, reuse)
    handle = lock.acquire(view.folder, lock.MOMENT)
    try:
        shared = share(view, found) if handle is not None else None
        with database.write() as connection:
            store.submit_job(connection, view.job.id, os.environ.get("NVIDIA_CLARA_JOBID"))
            if view.job.templated or given:
                text = json.dumps(to_json(pipeline))
                store.fill_job(connection, view.job.id, text, definition.operator_images(pipeline), given)
            if handle is None:
                raise StateConflict(f"another process is about to run job {view.job.id}")
            record(connection, view, recipes, found, shared)
            todo = without(plan, found)
            if queued:
                claims.enter(connection, view.job.id, view.job.priority, _first(todo), plan.machine)
            settled = claims.settle(connection, database.root)
    except BaseException as error:
        if handle is not None:
            forget(view, found)
            if isinstance(error, NotFound):  # deleted meanwhile: nothing of it may come back
                remove_tree(view.folder)
            os.close(handle)
        raise
    follow_up(database, settled)
    share_logs(database.root, view, found)
    return SubmittedJob(database, todo, handle, {name: item.job_id for name, item in found.items()})


def _first(plan: JobPlan) -> list[tuple[str, Need]]:
    """What the operators need that a job begins with."""
    names = {operator.name for operator in plan.pipeline.operators}
    first = [operator for operator in plan.pipeline.operators if not operator.sources & names]
    return [(operator.name, need(operator.requests, plan.machine)) for operator in first] or [("", Need(0))]


def resume_submitted(database: Database, config: Config, job_id: str, handle: int) -> SubmittedJob:
    """A job that another process submitted and handed to this one with its lock.

    Raises:
        ImageError: a program has vanished in between; the job is recorded as faulted.
    """
    try:
        view = find_job(database, job_id)
        _, addresses = definition.split(view.job, view.job.variables)
        left = definition.remaining(definition.stored(view.job), view.operators)
        plan = prepare(database, config, view, left, addresses=addresses)
        return SubmittedJob(database, plan, handle)
    except ClaraError as error:
        _record_failure(database, job_id, error.message)
        raise


def run_job(
    submitted: SubmittedJob, listener: Listener, stop: StopRequest, warm: ForkServer | None = None
) -> JobResult:
    """Wait for a submitted job's turn, run it here to its end, and record how it goes.

    Args:
        warm: forks operators in Python; None where every one is started anew.
    """
    database, plan = submitted.database, submitted.plan
    lock.sign(submitted.lock)
    with closing(Bell(plan.job_id)) as bell:
        cancelled = wait_for_turn(database, plan.job_id, bell, stop, listener.queued)
        if cancelled is not None:
            return JobResult(cancelled)
        listener.began()
        with database.write() as connection:
            store.set_mounted(connection, plan.job_id, plan.mounted)
            clock = Clock(store.get_job(connection, plan.job_id).started or 0.0)
        recorder = _Recorder(database, plan.job_id, listener, clock)
        room = SharedRoom(database, plan.job_id, plan.machine, bell, stop)
        result = Runner(plan, recorder, stop, room, warm).run()
        if result.failures:
            forget_mounts(database.root.path)
        event = event_of(result)
        if event is JobEvent.SUCCEED:
            confirm(database, plan)
        with database.write() as connection:
            if event is JobEvent.CANCEL:
                store.add_message(connection, plan.job_id, "info", f"cancelled: {result.stopped}")
            store.change_job(connection, plan.job_id, event, clock.now())
        release_room(database)
    return result


def _record_failure(database: Database, job_id: str, error: str) -> None:
    """The runner itself failed: nothing of the job runs any more."""
    with suppress(NotFound), database.write() as connection:
        if store.state_of(connection, job_id) is JobState.STOPPED:
            return
        store.add_message(connection, job_id, "error", error)
        store.end_job(connection, job_id, JobEvent.FAULT)
    release_room(database)


# What a detached runner must not take over from whoever starts it, who may be an operator of another job.
_NOT_HANDED_ON = ("NVIDIA_CLARA_JOBID", "NVIDIA_CLARA_STAGENAME", "CLARA_JOB_SOCKET")


def run_detached(submitted: SubmittedJob, config: Config, config_file: str | None) -> None:
    """Hand a submitted job to a runner of its own, which outlives this process.

    Raises:
        RuntimeFailure: the runner did not start.
    """
    file = str(from_home(config_file).absolute()) if config_file else ""
    words = ["clara_cli.jobs.detached", submitted.plan.job_id, str(submitted.lock), file]
    log_file = submitted.plan.folder / "runner.log"
    try:
        with log_file.open("ab") as log:
            status = detach(words, submitted.database.root, config, submitted.lock, log)
    except OSError as error:
        raise RuntimeFailure(f"the job's runner cannot be started: {error}") from error
    if status != 0:
        raise RuntimeFailure(f"the job's runner did not start; see {log_file}")


def detach(words: Sequence[str], root: Root, config: Config, descriptor: int, log: IO[bytes] | None) -> int:
    """Start a module that forks at once, so that it is nobody's child here; the status of its first moment.

    Args:
        words: the module's name and its arguments.
        descriptor: handed on to it.
        log: where it writes; None for where this process does.
    """
    # It works in another folder: what was said in relative paths is handed on in absolute ones.
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    environment["CLARA_ROOT"] = str(root.path)
    environment["CLARA_OPERATOR_PATH"] = os.pathsep.join(map(str, config.operator_path))
    environment["CLARA_FAST_IO"] = "1" if config.fast_io else "0"
    environment["CLARA_WARM_START"] = "1" if config.warm_start else "0"
    return subprocess.run(
        [sys.executable, "-m", *words],
        check=False,
        # With -m the folder that holds this very package comes first on the path.
        cwd=Path(__file__).parents[2],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(descriptor,),
        start_new_session=True,
    ).returncode


@dataclass
class _Recorder:
    """Writes what happens to a running job into the database, then passes it on."""

    database: Database
    job_id: str
    listener: Listener
    clock: Clock

    @property
    def interval(self) -> float | None:
        return self.listener.interval

    def queued(self, place: int, waiting: int) -> None:
        with _unheard():
            self.listener.queued(place, waiting)

    def began(self) -> None:
        with _unheard():
            self.listener.began()

    def operator_began(self, name: str) -> None:
        with self.database.write() as connection:
            store.change_operator(connection, self.job_id, name, OperatorEvent.BEGIN, now=self.clock.now())
        with _unheard():
            self.listener.operator_began(name)

    def operator_ended(self, name: str, completed: bool, code: int | None, used: Usage | None = None) -> None:
        event = OperatorEvent.COMPLETE if completed else OperatorEvent.FAULT
        with self.database.write() as connection:
            store.change_operator(connection, self.job_id, name, event, code, self.clock.now(), used)
        with _unheard():
            self.listener.operator_ended(name, completed, code, used)

    def message(self, severity: str, text: str) -> None:
        with self.database.write() as connection:
            store.add_message(connection, self.job_id, severity, text)
        with _unheard():
            self.listener.message(severity, text)

    def tick(self) -> None:
        with _unheard():
            self.listener.tick()


def _unheard() -> suppress:
    """A terminal or a reader that is gone is no reason to leave a job alone."""
    return suppress(OSError, ValueError)
