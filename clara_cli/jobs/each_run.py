"""Running one job for each volume: made as there is room for them, followed together, their results kept."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from clara_cli.database import Database
from clara_cli.errors import ClaraError, StateConflict
from clara_cli.jobs.actions import create_job, find_job
from clara_cli.jobs.batch import Event, Started, Starts
from clara_cli.jobs.each import Volume, keep_results, latest_jobs, note_volume, volume_key
from clara_cli.jobs.handover import read_handover
from clara_cli.jobs.model import Job
from clara_cli.jobs.placed_batch import PlacedBatch
from clara_cli.jobs.states import JobPriority, JobState, JobStatus
from clara_cli.runtime.plan import JobResult
from clara_cli.runtime.process import log_tail
from clara_cli.slurm.look import check_answers

# Seconds during which jobs are made before one looks how the others are: for Slurm, these become one array.
_BURST = 10.0
# Characters of a job's name.
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Wanted:
    """What is to be done with each volume.

    Attributes:
        names: the operators whose results are kept.
        target: the folder that they go to.
    """

    pipeline_id: str
    names: Sequence[str]
    target: Path
    priority: JobPriority
    values: Mapping[str, str]
    reuse: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a volume.

    Attributes:
        job_id: None where not even a job could be made.
        status: the API's word; empty without a job.
        reason: why it did not end well; None if it did.
        seconds: how long its job ran.
    """

    volume: Volume
    job_id: str | None
    status: str
    reason: str | None = None
    seconds: float = 0.0

    @property
    def cancelled(self) -> bool:
        return self.status == JobStatus.CANCELED.wire

    @property
    def failed(self) -> bool:
        return self.reason is not None and not self.cancelled


class EachRun(Generic[Started]):
    """The jobs of all volumes.

    Attributes:
        running, waiting: the numbers of jobs now.
        left: volumes for which no job was made yet.
    """

    def __init__(
        self, database: Database, batch: Starts[Started], wanted: Wanted, begin: Callable[[str], Started]
    ) -> None:
        """Prepare, and run nothing yet.

        Args:
            begin: accepts the start of a job.
        """
        self._database = database
        self._batch = batch
        self._wanted = wanted
        self._begin = begin
        self._away = isinstance(batch, PlacedBatch)
        self._volumes: dict[str, Volume] = {}
        self._begun: set[str] = set()
        self._todo: deque[Volume] = deque()
        self._ended: deque[Outcome] = deque()
        self._stopped = False

    @property
    def running(self) -> int:
        return len(self._begun)

    @property
    def waiting(self) -> int:
        return len(self._volumes) - len(self._begun)

    @property
    def left(self) -> list[Volume]:
        return list(self._todo)

    def stop(self) -> None:
        """Make no more jobs; safe in a signal handler."""
        self._stopped = True

    def outcomes(self, volumes: Sequence[Volume], most: int, interval: float | None) -> Iterator[Outcome | None]:
        """What becomes of the volumes, as it does; None at least every `interval` seconds.

        Args:
            most: jobs under way at once.

        Raises:
            StateConflict: jobs of an earlier call are with an engine that is not this one's.
            SlurmSilence: jobs are to run in Slurm, which does not answer.
        """
        self._prepare(volumes)
        while (self._todo and not self._stopped) or self._volumes or self._ended:
            until = time.monotonic() + (_BURST if self._away else 0.0)
            while self._todo and len(self._volumes) < most and not self._stopped:
                self._make(self._todo.popleft())
                if time.monotonic() >= until:
                    break
            while self._ended:
                yield self._ended.popleft()
            busy = self._todo and len(self._volumes) < most and not self._stopped
            event = self._batch.next(0.0 if busy else interval) if self._volumes else None
            if event is not None:
                yield self._happened(event)
            else:
                yield None

    def make_all(self, volumes: Sequence[Volume]) -> Iterator[Outcome | None]:
        """Make all jobs and hand them over, without waiting for them; yields those that cannot be, and None often."""
        self._prepare(volumes)
        while self._todo and not self._stopped:
            self._make(self._todo.popleft())
            yield self._ended.popleft() if self._ended else None
        while self._ended:
            yield self._ended.popleft()

    def refused(self, event: Event) -> Outcome | None:
        """The outcome of a job that was made by `make_all` and not taken; None for any other event."""
        return self._happened(event) if event.error is not None else None

    def _prepare(self, volumes: Sequence[Volume]) -> None:
        self._todo = deque(self._adopt(volumes))
        if self._todo and self._away:
            # Else every volume would be copied for a job that cannot be handed over.
            check_answers()

    def _adopt(self, volumes: Sequence[Volume]) -> list[Volume]:
        """What an earlier call left: jobs that go on are followed, results of those that ended well are kept.

        Returns:
            the volumes that need a job.
        """
        with self._database.read() as connection:
            earlier = latest_jobs(connection, self._wanted.target, self._wanted.pipeline_id)
        new, others = [], []
        for volume in volumes:
            job = earlier.get(volume_key(volume))
            if job is not None and job.succeeded:
                self._ended.append(self._kept(volume, job.id, 0.0))
            elif job is not None and self._goes_on(job):
                if isinstance(self._batch, PlacedBatch):
                    self._batch.adopt(read_handover(self._database.root.jobs / job.id).plan)
                    self._volumes[job.id] = volume
                else:
                    others.append(job.id)
            else:
                new.append(volume)
        if others:
            raise StateConflict(
                f"jobs of {len(others)} volumes, such as {others[0]}, go on elsewhere",
                hint="--engine slurm follows those of a cluster; clara cancel jobs ends them",
            )
        return new

    @staticmethod
    def _goes_on(job: Job) -> bool:
        return job.state is not JobState.STOPPED and job.submitted is not None

    def _make(self, volume: Volume) -> None:
        """Make and start a job; what cannot be started has its outcome at once."""
        wanted = self._wanted
        job_id = None
        try:
            name = os.fsencode(volume.name).decode("utf-8", "replace")[-_LONGEST_NAME:]
            name = "".join(character if character.isprintable() else "?" for character in name)
            created = create_job(self._database, name, wanted.pipeline_id, volume.path, wanted.priority)
            job_id = created.job.id
            with self._database.write() as connection:
                note_volume(connection, job_id, wanted.target, volume)
            started = self._begin(job_id)
            self._volumes[job_id] = volume
            self._batch.start(started)
        except ClaraError as error:
            self._volumes.pop(job_id or "", None)
            self._ended.append(Outcome(volume, job_id, "", error.message))

    def _happened(self, event: Event) -> Outcome | None:
        job_id = event.job.job_id
        if not event.ended:
            self._begun.add(job_id)
            return None
        self._begun.discard(job_id)
        volume = self._volumes.pop(job_id)
        if event.result is not None and event.result.succeeded:
            return self._kept(volume, job_id, event.seconds)
        reason = event.error.message if event.error is not None else _reason(event.result)
        return Outcome(volume, job_id, self._status(job_id), reason, event.seconds)

    def _kept(self, volume: Volume, job_id: str, seconds: float) -> Outcome:
        try:
            view = find_job(self._database, job_id)
            keep_results(view, self._wanted.names, self._wanted.target, volume)
        except ClaraError as error:
            return Outcome(volume, job_id, self._status(job_id), error.message, seconds)
        return Outcome(volume, job_id, view.job.status.wire, None, seconds)

    def _status(self, job_id: str) -> str:
        try:
            return find_job(self._database, job_id).job.status.wire
        except ClaraError:
            return ""


def _reason(result: JobResult | None) -> str:
    if result is None:
        return "it has no result"
    if result.terminated is not None:
        return result.terminated
    if result.failures:
        first = result.failures[0]
        said = "".join(f"; its last words: {line}" for line in log_tail(first.log, 1))
        return f"{first.kind} {first.name} failed: {first.reason}{said}"
    return f"it was cancelled ({result.stopped})"
