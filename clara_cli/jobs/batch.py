"""Several jobs run by one process: each on a thread with a connection of its own, all in the root's queue."""

from __future__ import annotations

import queue
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from clara_cli.database import Database
from clara_cli.errors import ClaraError, RuntimeFailure
from clara_cli.jobs.start import SubmittedJob, run_job
from clara_cli.runtime.fork_server import ForkServer
from clara_cli.runtime.listener import Silent
from clara_cli.runtime.plan import JobPlan, JobResult
from clara_cli.runtime.stop import StopRequest

# Open files of this process, and of each job: its lock, its database, its bell, its socket, its operators.
_OWN, _JOB, _OPERATOR = 128, 32, 8
_MOST = 1 << 16


@dataclass(frozen=True)
class Event:
    """What became of a job: it runs now (no result, no error), it ended, or its runner failed.

    Attributes:
        seconds: how long it has been running.
    """

    plan: JobPlan
    result: JobResult | None = None
    error: ClaraError | None = None
    seconds: float = 0.0

    @property
    def ended(self) -> bool:
        return self.result is not None or self.error is not None


class Batch:
    """Runs jobs side by side; `stop` ends them all.

    Args:
        warm: forks the operators in Python of all of them.
    """

    def __init__(self, warm: ForkServer | None = None) -> None:
        self._warm = warm
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
        reporter = _Reporter(self._events, plan)
        try:
            with Database(submitted.database.root) as database, replace(submitted, database=database) as own:
                result = run_job(own, reporter, stop, self._warm)
        except ClaraError as error:
            self._events.put(Event(plan, error=error))
        except Exception as error:  # a bug must not look like a job that runs on
            self._events.put(Event(plan, error=ClaraError(f"clara itself failed: {type(error).__name__}: {error}")))
        else:
            self._events.put(Event(plan, result, seconds=reporter.seconds()))

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
        self._began: float | None = None

    def seconds(self) -> float:
        return 0.0 if self._began is None else time.monotonic() - self._began

    def began(self) -> None:
        self._began = time.monotonic()
        self._events.put(Event(self._plan))


@contextmanager
def enough_files(jobs: int) -> Iterator[int]:
    """Let this process have as many open files as so many jobs may need, as far as the system allows.

    Yields:
        how many jobs can be under way at once.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = min(_MOST, _OWN + jobs * (_JOB + _OPERATOR * 16))
    limit = wanted if hard == unlimited else min(wanted, hard)
    raised = soft not in (unlimited, limit) and soft < limit
    if raised:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield max(1, ((limit if raised or soft == unlimited else soft) - _OWN) // _JOB)
    finally:
        if raised:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
