"""Several jobs that one process runs or follows: each on a thread of its own, all in the root's queue."""

from __future__ import annotations

import queue
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from clara_cli.errors import ClaraError, RuntimeFailure
from clara_cli.runtime.listener import Listener, Silent
from clara_cli.runtime.plan import JobResult
from clara_cli.runtime.stop import StopRequest

# Open files of this process, and of each job: its lock, its database, its bell, its socket, its operators.
_OWN, _JOB, _OPERATOR = 128, 32, 8
_MOST = 1 << 16


class Named(Protocol):
    """A job that is under way."""

    @property
    def job_id(self) -> str: ...

    @property
    def job_name(self) -> str: ...


class Startable(Named, Protocol):
    """A job whose start was accepted: a context manager, at whose end the job has a runner or has ended."""

    def __enter__(self) -> object: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None: ...

    def run_apart(self, listener: Listener, stop: StopRequest) -> JobResult:
        """Run or follow it to its end on a thread of its own; takes the place of the block."""
        ...


@dataclass(frozen=True)
class Event:
    """What became of a job: it runs now (no result, no error), it ended, or its runner failed.

    Attributes:
        seconds: how long it has been running.
    """

    job: Named
    result: JobResult | None = None
    error: ClaraError | None = None
    seconds: float = 0.0

    @property
    def ended(self) -> bool:
        return self.result is not None or self.error is not None


Started = TypeVar("Started", bound=Named)
Started_contra = TypeVar("Started_contra", bound=Named, contravariant=True)


class Starts(Protocol[Started_contra]):
    """Where several jobs run: `Batch`, or `PlacedBatch` for those that run elsewhere."""

    def start(self, job: Started_contra) -> None: ...

    def request(self, reason: str) -> None: ...

    def next(self, seconds: float | None) -> Event | None: ...

    def close(self) -> None: ...


class Batch:
    """Runs jobs side by side; `stop` ends them all."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._stops: list[StopRequest] = []
        self._threads: list[threading.Thread] = []
        self._reason: str | None = None

    def start(self, job: Startable) -> None:
        """Run a job; from now on it is this batch's.

        Raises:
            RuntimeFailure: the system has no thread for it; the job is recorded as faulted.
        """
        stop = StopRequest()
        self._stops.append(stop)
        if self._reason is not None:
            stop.request(self._reason)
        thread = threading.Thread(target=self._run, args=(job, stop), name=f"job {job.job_id}")
        try:
            thread.start()
        except RuntimeError as error:
            with job:
                raise RuntimeFailure(f"job {job.job_id} cannot be run: {error}") from error
        self._threads.append(thread)

    def _run(self, job: Startable, stop: StopRequest) -> None:
        reporter = _Reporter(self._events, job)
        try:
            result = job.run_apart(reporter, stop)
        except ClaraError as error:
            self._events.put(Event(job, error=error))
        except Exception as error:  # a bug must not look like a job that runs on
            self._events.put(Event(job, error=ClaraError(f"clara itself failed: {type(error).__name__}: {error}")))
        else:
            self._events.put(Event(job, result, seconds=reporter.seconds()))

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
    def __init__(self, events: queue.SimpleQueue[Event], job: Startable) -> None:
        self._events = events
        self._job = job
        self._began: float | None = None

    def seconds(self) -> float:
        return 0.0 if self._began is None else time.monotonic() - self._began

    def began(self) -> None:
        self._began = time.monotonic()
        self._events.put(Event(self._job))


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
