"""Several jobs that run elsewhere, followed together: the counterpart of `batch` for jobs of this machine."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError, NotFound
from clara_cli.jobs import intake, placing, store
from clara_cli.jobs.actions import find_job
from clara_cli.jobs.batch import Event, Named
from clara_cli.jobs.following import LOOK, result_of
from clara_cli.jobs.start import SubmittedJob
from clara_cli.jobs.states import JobState
from clara_cli.runtime.plan import JobPlan

# Jobs whose journals are looked at in the usual time: of more, each less often.
_FEW = 50


@dataclass(frozen=True)
class PlacedStart:
    """A job whose start was accepted, to be handed over."""

    submitted: SubmittedJob

    @property
    def job_id(self) -> str:
        return self.submitted.plan.job_id

    @property
    def job_name(self) -> str:
        return self.submitted.plan.job_name


class PlacedBatch:
    """Hands jobs over and follows them; `request` cancels them all.

    Jobs are collected by `start`, and handed over together by the `next` that follows.
    """

    def __init__(self, database: Database, config: Config, placed: Callable[[int], None] | None = None) -> None:
        """Begin with no jobs.

        Args:
            placed: told how many jobs were handed over.
        """
        self._database = database
        self._config = config
        self._placed = placed
        self._collected: list[PlacedStart] = []
        self._plans: dict[str, Named] = {}
        self._begun: set[str] = set()
        self._events: deque[Event] = deque()
        self._reason: str | None = None
        self._times = self._asked = 0

    def start(self, job: PlacedStart) -> None:
        """Hand a submitted job over, together with others; from now on its lock is this batch's."""
        self._collected.append(job)
        if len(self._collected) >= placing.ARRAY:
            self.hand_over()

    def adopt(self, plan: JobPlan) -> None:
        """Follow a job that was handed over before."""
        self._plans[plan.job_id] = plan

    def hand_over(self) -> None:
        """Hand over what was collected."""
        jobs, self._collected = self._collected, []
        if not jobs:
            return
        refused = dict(placing.place(self._database, self._config, [job.submitted for job in jobs]))
        for job in jobs:
            if (error := refused.get(job.job_id)) is not None:
                self._events.append(Event(job, error=error))
            else:
                self._plans[job.job_id] = job
        if self._placed is not None:
            self._placed(len(jobs) - len(refused))

    def request(self, reason: str) -> None:
        """Ask all jobs to end; safe in a signal handler."""
        self._reason = self._reason or reason
        self._times += 1

    def next(self, seconds: float | None) -> Event | None:
        """What happens next; None when that takes longer."""
        self.hand_over()
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._events:
            if self._times > self._asked:
                self._cancel()
            intake.refresh(self._database)
            self._look()
            pause = LOOK * max(1.0, len(self._plans) / _FEW)
            if self._events or not self._plans:
                break
            left = pause if deadline is None else min(pause, deadline - time.monotonic())
            if left <= 0:
                return None
            time.sleep(left)
        return self._events.popleft() if self._events else None

    def _look(self) -> None:
        with self._database.read() as connection:
            states = store.states_of(connection, self._plans)
        for job_id, plan in list(self._plans.items()):
            state = states.get(job_id, JobState.STOPPED)
            if state is JobState.RUNNING and job_id not in self._begun:
                self._begun.add(job_id)
                self._events.append(Event(plan))
            elif state is JobState.STOPPED:
                del self._plans[job_id]
                self._events.append(self._ended(plan))

    def _ended(self, plan: Named) -> Event:
        try:
            view = find_job(self._database, plan.job_id)
            job = view.job
            seconds = job.stopped - job.started if job.stopped and job.started else 0.0
            return Event(plan, result_of(view), seconds=seconds)
        except ClaraError as error:
            return Event(plan, error=error)

    def _cancel(self) -> None:
        with self._database.write() as connection:
            for job_id in self._plans:
                store.ask_to_cancel(connection, job_id, self._reason or "cancelled")
        placing.cancel(self._database, self._plans, kill=self._asked > 0)
        self._asked = self._times

    def close(self) -> None:
        """Jobs that were not handed over are ended; those that were go on."""
        for job in self._collected:
            with suppress(NotFound, ClaraError), job.submitted:
                raise ClaraError("the job was not handed over")
