"""Slurm's states of a job, and what they mean for ours. Pure tables."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

# What the batch script ends with when the runner cannot begin; see `script`.
NO_FOLDER, NO_PYTHON, BEGUN_BEFORE, UNUSABLE = 72, 73, 74, 75


class Phase(Enum):
    """How far Slurm is with a job."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"


class End(str, Enum):
    """How a job ended that did not say so itself: the names of events in the life cycle of jobs."""

    CANCEL = "cancel"
    EVICT = "evict"
    TERMINATE = "terminate"
    FAULT = "fault"


_WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD")
_RUNNING = ("RUNNING", "SUSPENDED", "STOPPED", "COMPLETING", "SIGNALING", "STAGE_OUT", "RESIZING")
# How a job ended, by Slurm's word; what is not here says nothing about why.
_ENDS = {
    "CANCELLED": (End.CANCEL, "it was cancelled in Slurm"),
    "TIMEOUT": (End.TERMINATE, "it took longer than Slurm's time limit"),
    "DEADLINE": (End.TERMINATE, "it was not done by its deadline in Slurm"),
    "OUT_OF_MEMORY": (End.FAULT, "it used more memory than it had asked for"),
    "NODE_FAIL": (End.EVICT, "its node failed"),
    "BOOT_FAIL": (End.EVICT, "its node did not start"),
    "LAUNCH_FAILED": (End.EVICT, "Slurm could not start it"),
    "PREEMPTED": (End.EVICT, "another job of the cluster took its place"),
    "REVOKED": (End.EVICT, "another cluster has taken it"),
}
_CODES = {
    NO_FOLDER: "the job's folder is not there on the node: the root must be on a file system that all nodes see",
    NO_PYTHON: "clara is not there on the node: it must be installed on a file system that all nodes see",
    BEGUN_BEFORE: "it had been begun before, and a job runs once",
    UNUSABLE: "what it was handed over with cannot be used",
}
# Reasons of a waiting job that time does not change.
_STUCK = (
    *("BadConstraints", "PartitionConfig", "PartitionNodeLimit", "PartitionTimeLimit", "InvalidAccount", "InvalidQOS"),
    *("JobHeldAdmin", "JobHeldUser", "AssocMaxCpuPerJobLimit", "AssocGrpCpuLimit", "QOSMaxCpuPerJobLimit"),
)


@dataclass(frozen=True)
class Seen:
    """What Slurm says of a job.

    Attributes:
        state: its word, such as `PENDING`.
        reason: its word for why the job waits or ended; empty for none.
        node: where it runs or ran; empty before.
        code: exit status of the batch script; None while it is not known.
    """

    state: str
    reason: str = ""
    node: str = ""
    code: int | None = None

    @property
    def phase(self) -> Phase:
        if self.state in _WAITING:
            return Phase.WAITING
        return Phase.RUNNING if self.state in _RUNNING else Phase.ENDED

    @property
    def stuck(self) -> bool:
        """Whether it waits for something that will not come by itself."""
        return self.phase is Phase.WAITING and self.reason in _STUCK

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.state}{reason}{f' on {self.node}' if self.node else ''}"


@dataclass(frozen=True)
class Verdict:
    """How a job ended by what Slurm says, in a sentence that quotes it.

    Attributes:
        sure: whether Slurm itself ended the job; else only that it ended is known.
    """

    end: End
    text: str
    sure: bool


def verdict(remote: str, seen: Seen | None) -> Verdict:
    """What is to be said of a job that has ended in Slurm without saying so itself.

    Args:
        seen: None for a job that Slurm does not know any more; one that waits was begun, and put back.
    """
    if seen is None:
        return Verdict(End.EVICT, f"Slurm does not know job {remote} any more, and it did not say how it ended", False)
    where = f" on {seen.node}" if seen.node else ""
    quoted = f"Slurm job {remote}{where}: {seen.state}{f', {seen.reason}' if seen.reason else ''}"
    if seen.phase is Phase.WAITING:
        text = f"Slurm stopped it and put it back into its queue, and a job runs once ({quoted})"
        return Verdict(End.EVICT, text, True)
    if seen.state in _ENDS:
        end, words = _ENDS[seen.state]
        return Verdict(end, f"{words} ({quoted})", True)
    if seen.code in _CODES:
        end = End.EVICT if seen.code == BEGUN_BEFORE else End.FAULT
        return Verdict(end, f"the runner did not begin: {_CODES[seen.code]} ({quoted})", True)
    status = "" if seen.code is None else f", status {seen.code}"
    return Verdict(End.EVICT, f"the job's runner ended without notice ({quoted}{status})", False)
