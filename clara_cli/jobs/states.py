"""The life cycles of jobs and operators as tables.

Values and order are those of the platform's API: a job is created PENDING, becomes RUNNING, ends STOPPED; its status
says how. STOPPED with HEALTHY is the one definition of success. Operators that never ran stay PENDING.
"""

from __future__ import annotations

from enum import Enum

from clara_cli.errors import StateConflict


# `wire` is the API's name of a value: an attribute, not a property, for lists of thousands of jobs.
class JobState(str, Enum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"

    def __init__(self, value: str) -> None:
        self.wire = f"JOB_STATE_{value}"


class JobStatus(str, Enum):
    HEALTHY = "HEALTHY"
    FAULTED = "FAULTED"
    CANCELED = "CANCELED"
    EVICTED = "EVICTED"
    TERMINATED = "TERMINATED"

    def __init__(self, value: str) -> None:
        self.wire = f"JOB_STATUS_{value}"


class OperatorStatus(str, Enum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAULTED = "FAULTED"

    def __init__(self, value: str) -> None:
        self.wire = f"JOB_OPERATOR_STATUS_{value}"


class JobPriority(str, Enum):
    LOWER = "LOWER"
    NORMAL = "NORMAL"
    HIGHER = "HIGHER"
    IMMEDIATE = "IMMEDIATE"

    def __init__(self, value: str) -> None:
        self.wire = f"JOB_PRIORITY_{value}"


# What the command line calls them; the API's words are accepted too.
PRIORITY_WORDS = {
    "low": JobPriority.LOWER,
    "lower": JobPriority.LOWER,
    "normal": JobPriority.NORMAL,
    "high": JobPriority.HIGHER,
    "higher": JobPriority.HIGHER,
    "immediate": JobPriority.IMMEDIATE,
}


class JobEvent(str, Enum):
    RUN = "run"
    SUCCEED = "succeed"
    FAULT = "fault"
    CANCEL = "cancel"
    EVICT = "evict"
    TERMINATE = "terminate"


class OperatorEvent(str, Enum):
    BEGIN = "begin"
    COMPLETE = "complete"
    FAULT = "fault"


# (state, event) → (state, status). What is not listed is refused. A job that was started but has not reached
# RUNNING can fail, be cancelled, or be found without its runner.
JOB_TRANSITIONS: dict[tuple[JobState, JobEvent], tuple[JobState, JobStatus]] = {
    (JobState.PENDING, JobEvent.RUN): (JobState.RUNNING, JobStatus.HEALTHY),
    (JobState.PENDING, JobEvent.FAULT): (JobState.STOPPED, JobStatus.FAULTED),
    (JobState.PENDING, JobEvent.CANCEL): (JobState.STOPPED, JobStatus.CANCELED),
    (JobState.PENDING, JobEvent.EVICT): (JobState.STOPPED, JobStatus.EVICTED),
    (JobState.RUNNING, JobEvent.SUCCEED): (JobState.STOPPED, JobStatus.HEALTHY),
    (JobState.RUNNING, JobEvent.FAULT): (JobState.STOPPED, JobStatus.FAULTED),
    (JobState.RUNNING, JobEvent.CANCEL): (JobState.STOPPED, JobStatus.CANCELED),
    (JobState.RUNNING, JobEvent.EVICT): (JobState.STOPPED, JobStatus.EVICTED),
    (JobState.RUNNING, JobEvent.TERMINATE): (JobState.STOPPED, JobStatus.TERMINATED),
}

OPERATOR_TRANSITIONS: dict[tuple[OperatorStatus, OperatorEvent], OperatorStatus] = {
    (OperatorStatus.PENDING, OperatorEvent.BEGIN): OperatorStatus.RUNNING,
    (OperatorStatus.PENDING, OperatorEvent.FAULT): OperatorStatus.FAULTED,
    (OperatorStatus.RUNNING, OperatorEvent.COMPLETE): OperatorStatus.COMPLETED,
    (OperatorStatus.RUNNING, OperatorEvent.FAULT): OperatorStatus.FAULTED,
}


def next_job_state(state: JobState, event: JobEvent) -> tuple[JobState, JobStatus]:
    """Where `event` leads from `state`; StateConflict when the table has no such row."""
    try:
        return JOB_TRANSITIONS[state, event]
    except KeyError:
        raise StateConflict(f"a job that is {state.wire} cannot {event.value}") from None


def next_operator_status(status: OperatorStatus, event: OperatorEvent) -> OperatorStatus:
    """Where `event` leads from `status`; StateConflict when the table has no such row."""
    try:
        return OPERATOR_TRANSITIONS[status, event]
    except KeyError:
        raise StateConflict(f"an operator that is {status.wire} cannot {event.value}") from None
