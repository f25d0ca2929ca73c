"""What a runner is told of a job, and what it answers when the job has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clara_cli.payloads.tree import PayloadTree
from clara_cli.pipelines.model import Pipeline

if TYPE_CHECKING:
    from clara_cli.images.program import Program


@dataclass(frozen=True)
class JobPlan:
    """All that a runner needs to know of a job.

    Attributes:
        programs: the local program of each operator, by operator name.
        folder: the job's own folder, for logs and work folders.
        user_environment: what operators see of the environment of whoever started the job.
    """

    job_id: str
    job_name: str
    pipeline: Pipeline
    programs: Mapping[str, Program]
    tree: PayloadTree
    folder: Path
    user_environment: Mapping[str, str]

    def log(self, operator: str) -> Path:
        """Where the operator's stdout and stderr are kept."""
        return operator_log(self.folder, operator)


@dataclass(frozen=True)
class OperatorFailure:
    """An operator that failed by itself: why, its exit code (negative for a signal), and its log."""

    name: str
    reason: str
    code: int | None
    log: Path


@dataclass(frozen=True)
class JobResult:
    """How a job ended.

    Attributes:
        stopped: why it was asked to end before its time; None when nobody asked.
        failures: the operators that failed by themselves.
    """

    stopped: str | None = None
    failures: tuple[OperatorFailure, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.stopped is None and not self.failures


def operator_log(folder: Path, operator: str) -> Path:
    """The log of one operator in a job's folder."""
    return folder / "logs" / f"{operator}.log"
