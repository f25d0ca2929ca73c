"""What a runner is told of a job, and what it answers when the job has ended."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clara_cli.filename import file_name
from clara_cli.payloads.tree import PayloadTree
from clara_cli.pipelines.model import Pipeline
from clara_cli.runtime.capacity import Machine
from clara_cli.runtime.limits import Limits
from clara_cli.runtime.mounts import Mounts
from clara_cli.runtime.operator_log import LIMIT

if TYPE_CHECKING:
    from clara_cli.images.program import Program
    from clara_cli.runtime.models import Models
    from clara_cli.runtime.service_plan import ServicePlan

_NONE: Mapping[str, Mapping[str, str]] = {}


class JobPlan(NamedTuple):
    """All that a runner needs to know of a job.

    Attributes:
        programs: the local program of each operator, by operator name.
        folder: the job's own folder, for logs and work folders.
        user_environment: what operators see of the environment of whoever started the job.
        machine: what may be used at once.
        limits: how long things may take where the definition does not say.
        services: what is started beside the operators.
        variables: what operators are told of servers that run already, by operator name.
        models: the models that services find in their data folder; None for none.
        mounts: how its processes get mounts, or why they get none.
        log_limit: bytes that are kept of each log.
    """

    job_id: str
    job_name: str
    pipeline: Pipeline
    programs: Mapping[str, Program]
    tree: PayloadTree
    folder: Path
    user_environment: Mapping[str, str]
    machine: Machine
    limits: Limits = Limits()
    services: tuple[ServicePlan, ...] = ()
    variables: Mapping[str, Mapping[str, str]] = _NONE
    models: Models | None = None
    log_limit: int = LIMIT
    mounts: Mounts = Mounts()

    @property
    def mounted(self) -> dict[str, bool]:
        """Whether each operator has mounts, by name."""
        return {item.name: self.mounts.refusal(item.paths) is None for item in self.pipeline.operators}

    def work(self, operator: str) -> Path:
        """Where its program is laid out."""
        return self.folder / "work" / file_name(operator)

    def log(self, operator: str) -> Path:
        """Where the operator's stdout and stderr are kept."""
        return operator_log(self.folder, operator)


class OperatorFailure(NamedTuple):
    """An operator (or a service) that failed by itself: why, its exit code (negative for a signal), and its log.

    Attributes:
        said: the last lines of the log, where it lies on another machine.
    """

    name: str
    reason: str
    code: int | None
    log: Path
    kind: str = "operator"
    said: tuple[str, ...] | None = None


class JobResult(NamedTuple):
    """How a job ended.

    Attributes:
        stopped: why it was asked to end before its time; None when nobody asked.
        failures: the operators and services that failed by themselves.
        terminated: which time limit was over; None when none was.
    """

    stopped: str | None = None
    failures: tuple[OperatorFailure, ...] = ()
    terminated: str | None = None

    @property
    def succeeded(self) -> bool:
        return self.stopped is None and not self.failures and self.terminated is None


def operator_log(folder: Path, operator: str) -> Path:
    """The log of one operator in a job's folder."""
    return folder / "logs" / file_name(operator, ".log")
