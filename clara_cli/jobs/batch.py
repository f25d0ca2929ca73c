"""Several jobs run by one process: each on a thread with a connection of its own, all in the root's queue."""

from __future__ import annotations

import queue
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from clara_cli.database import Database
from clara_cli.errors import ClaraError, RuntimeFailure
from clara_cli.jobs.start import SubmittedJob, run_job
from clara_cli.runtime.listener import Silent
from clara_cli.runtime.plan import JobPlan, JobResult
from clara_cli.runtime.stop import StopRequest

# Open files of this process, and of each job: its lock, its database, its bell, its socket, its operators.
_OWN, _JOB, _OPERATOR = 128, 32, 8
_MOST = 1 << 16


@dataclass(frozen=True)
class Event:
    """What became of a job: it runs now (no result, no error), it ended, or its runner failed."""

    plan: JobPlan
    result: JobResult | None = None
    error: ClaraError | None = None


class Batch:
    """Runs jobs side by side; `stop` ends them all."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._stops: list[StopRequest] = []
        self._threads: list[threading.Thread] = []
        self._reason: str | None = None

    def start(self, submitted: SubmittedJob) -> None:
        """Run a submitted job; from now on its lock is this batch's.

        Raises:
            RuntimeFailure: the system has no thread for it; the job is recorded as faulted.
        """
        stop = StopRequest()
        self._stops.append(stop)
        if self._reason is not None:
            stop.request(self._reason)
        thread = threading.Thread(target=self._run, args=(submitted, stop), name=f"job {submitted.plan.job_id}")
        try:
            thread.start()
        except RuntimeError as error:
            with submitted:
                raise RuntimeFailure(f"job {submitted.plan.job_id} cannot be run: {error}") from error
        self._threads.append(thread)

    def _run(self, submitted: SubmittedJob, stop: StopRequest) -> None:
        plan = submitted.plan
        try:
            with Database(submitted.database.root) as database, replace(submitted, database=database) as own:
                result = run_job(own, _Reporter(self._events, plan), stop)
        except ClaraError as error:
            self._events.put(Event(plan, error=error))
        except Exception as error:  # a bug must not look like a job that runs on
            self._events.put(Event(plan, error=ClaraError(f"clara itself failed: {type(error).__name__}: {error}")))
        else:
            self._events.put(Event(plan, result))

    def request(self, reason: str) -> None:
        """Ask all jobs to end, as a StopRequest does; safe in a signal handler."""
        self._reason = self._reason or reason
        for stop in self._stops:
            stop.request(reason)

    def next(self, seconds: float | None) -> Event | None:
        """What happens next; None when that takes longer."""
        try:
            return self._events.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Wait until every job has ended."""
        for thread in self._threads:
            thread.join()
        for stop in self._stops:
            stop.close()


class _Reporter(Silent):
    def __init__(self, events: queue.SimpleQueue[Event], plan: JobPlan) -> None:
        self._events = events
        self._plan = plan

    def began(self) -> None:
        self._events.put(Event(self._plan))


@contextmanager
def enough_files(jobs: int) -> Iterator[None]:
    """Let this process have as many open files as so many jobs may need, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(_MOST, _OWN + jobs * (_JOB + _OPERATOR * 16))
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        yield
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
