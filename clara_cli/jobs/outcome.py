"""What the end that a runner reports is in the life cycle of jobs."""

from __future__ import annotations

from clara_cli.jobs.states import JobEvent
from clara_cli.runtime.plan import JobResult


def event_of(result: JobResult) -> JobEvent:
    """The event by which a job ends that ended so."""
    if result.terminated is not None:
        return JobEvent.TERMINATE
    if result.failures:
        return JobEvent.FAULT
    return JobEvent.CANCEL if result.stopped is not None else JobEvent.SUCCEED
