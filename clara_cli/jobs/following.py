"""Following a job that runs elsewhere to its end, as if it ran here."""

from __future__ import annotations

import select
import time

from clara_cli.database import Database
from clara_cli.errors import RuntimeFailure
from clara_cli.jobs import intake, journal, placing, store
from clara_cli.jobs.actions import JobView, find_job
from clara_cli.jobs.states import JobState, JobStatus, OperatorStatus
from clara_cli.runtime.listener import Listener
from clara_cli.runtime.plan import JobResult
from clara_cli.runtime.stop import GRACE, StopRequest

# Seconds between looks at the job's journal.
LOOK = 0.2
# Seconds between looks at Slurm for a job that is being cancelled.
_EAGER = 1.0
# Seconds beyond the grace of the operators that Slurm has to end a job; then it is told to kill it.
_PATIENCE = 30.0


def follow_job(database: Database, job_id: str, listener: Listener, stop: StopRequest) -> JobResult:
    """Tell a listener how a placed job goes until it has ended; a request to stop cancels it.

    Raises:
        RuntimeFailure: it did not come to an end of its own: the message says what Slurm says.
    """
    told = _Told(listener)
    asked = 0
    ready = select.poll()
    ready.register(stop.descriptor, select.POLLIN)
    while True:
        intake.refresh(database)
        view = find_job(database, job_id)
        told.tell(view)
        if view.job.state is JobState.STOPPED:
            return result_of(view)
        if stop.times > asked:
            if stop.reason is not None and asked == 0:
                with database.write() as connection:
                    store.ask_to_cancel(connection, job_id, stop.reason)
            placing.cancel(database, [job_id], kill=asked > 0)
            asked = stop.times
        listener.tick()
        if ready.poll(1000 * LOOK):
            stop.acknowledge()


def wait_for_end(database: Database, job_id: str, deadline: float | None, *, eager: bool = False) -> None:
    """Wait until a placed job has ended, or a moment of the monotonic clock has come.

    Args:
        eager: the end is near: Slurm is asked every second.
    """
    asked = time.monotonic()
    while True:
        intake.refresh(database)
        if eager and time.monotonic() - asked >= _EAGER:
            intake.look_at_slurm(database)
            asked = time.monotonic()
        with database.read() as connection:
            if store.state_of(connection, job_id) is JobState.STOPPED:
                return
        left = LOOK if deadline is None else min(LOOK, deadline - time.monotonic())
        if left <= 0:
            return
        time.sleep(left)


def finish_cancelling(database: Database, job_id: str) -> None:
    """Wait until a placed job that was cancelled has ended; what does not end is killed."""
    wait_for_end(database, job_id, time.monotonic() + GRACE + _PATIENCE, eager=True)
    with database.read() as connection:
        if store.state_of(connection, job_id) is JobState.STOPPED:
            return
    placing.cancel(database, [job_id], kill=True)
    wait_for_end(database, job_id, time.monotonic() + _PATIENCE, eager=True)


def result_of(view: JobView) -> JobResult:
    """How a placed job ended.

    Raises:
        RuntimeFailure: its runner did not say; the message is what was found out.
    """
    job = view.job
    said = [message.text for message in view.messages if message.severity == "error"]
    last = said[-1] if said else f"it ended with {job.status.wire}"
    if job.status is JobStatus.HEALTHY:
        return JobResult()
    if job.status is JobStatus.CANCELED:
        reasons = [message.text for message in view.messages if message.text.startswith("cancelled: ")]
        return JobResult(stopped=reasons[-1].removeprefix("cancelled: ") if reasons else "in Slurm")
    result = journal.last_result(view.folder)
    if job.status is JobStatus.TERMINATED:
        return JobResult(terminated=result.terminated if result and result.terminated else last)
    if job.status is JobStatus.FAULTED and result is not None and result.failures:
        return result
    raise RuntimeFailure(f"job {job.id} ended with {job.status.wire}: {last}")


class _Told:
    """What a listener has been told of a job."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._operators: dict[str, OperatorStatus] = {}
        self._messages = 0
        self._seen = ""
        self._began = False

    def tell(self, view: JobView) -> None:
        seen = view.placed.seen if view.placed else ""
        if view.job.state is JobState.PENDING and seen.startswith("PENDING (") and seen != self._seen:
            self._listener.message("notice", f"in Slurm the job is {seen}")
            self._seen = seen
        if view.job.started is not None and not self._began:
            self._began = True
            self._listener.began()
        for message in view.messages[self._messages :]:
            self._listener.message(message.severity, message.text)
        self._messages = len(view.messages)
        for operator in view.operators:
            before = self._operators.get(operator.name, OperatorStatus.PENDING)
            if operator.status is before:
                continue
            if before is OperatorStatus.PENDING and operator.started is not None:
                self._listener.operator_began(operator.name)
            if operator.status is not OperatorStatus.RUNNING:
                completed = operator.status is OperatorStatus.COMPLETED
                self._listener.operator_ended(operator.name, completed, operator.exit_code)
            self._operators[operator.name] = operator.status
