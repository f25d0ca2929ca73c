"""What is known of a job: its record, its operators, its messages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from clara_cli.jobs.states import JobPriority, JobState, JobStatus, OperatorStatus


# Named tuples: ten thousand of them are made for one list.
class Job(NamedTuple):
    """One job. Times are seconds since 1970, UTC; None when it has not happened yet.

    Attributes:
        submitted: when a start was accepted; a job is started once.
        folder: where the definition lay, for finding operator programs beside it.
        definition: the validated pipeline as JSON text, as it was when the job was created; with its placeholders
            filled once a start was accepted.
        templated: whether placeholders are filled at the start.
        variables: the values given for parameters at the start.
    """

    id: str
    payload_id: str
    pipeline_id: str
    name: str
    state: JobState
    status: JobStatus
    priority: JobPriority
    created: float
    submitted: float | None
    started: float | None
    stopped: float | None
    folder: str = ""
    definition: str = ""
    templated: bool = False
    variables: Mapping[str, str] = MappingProxyType({})

    @property
    def succeeded(self) -> bool:
        return (self.state, self.status) == (JobState.STOPPED, JobStatus.HEALTHY)


class OperatorRecord(NamedTuple):
    """One operator of a job.

    Attributes:
        exit_code: negative for a signal, None while it has not ended.
        mounted: whether it has its folders at the declared paths; None while its job has not run.
        cpu_seconds, peak_memory: what its process took, memory in bytes; None while it has not ended.
    """

    name: str
    image: str
    status: OperatorStatus
    started: float | None
    stopped: float | None
    exit_code: int | None
    mounted: bool | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None


class Message(NamedTuple):
    """Something worth knowing about a job, such as why it failed."""

    created: float
    severity: str
    text: str
