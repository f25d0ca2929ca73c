"""What a site returns beside the core's own records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clara_cli.images.reference import RegisteredImage
    from clara_cli.jobs.model import Job, Message, OperatorRecord
    from clara_cli.jobs.placed import Placed
    from clara_cli.payloads.model import Payload
    from clara_cli.payloads.walk import Entry
    from clara_cli.runtime.started import Started

# Told, line by line, how an operator's environment is made.
Progress = Callable[[str], None]


@dataclass(frozen=True)
class CreatedJob:
    """A new job.

    Attributes:
        uploaded: how many files its input has.
        folder: where its payload lies, if that is not where the original kept it.
        results: where its operators leave their files, in words.
    """

    job_id: str
    payload_id: str
    uploaded: int
    folder: str | None
    results: str


@dataclass(frozen=True)
class CreatedPayload:
    """A new reusable payload; the attributes are as those of `CreatedJob`."""

    payload_id: str
    uploaded: int
    folder: str | None


@dataclass(frozen=True)
class DescribedJob:
    """All that is shown of one job.

    Attributes:
        payload_folder: where its payload lies, on the machine that runs jobs.
        payload_exists: it lies there still.
        processes: what each operator's process was started with, if that was asked for.
    """

    job: Job
    operators: tuple[OperatorRecord, ...]
    messages: tuple[Message, ...]
    metadata: Mapping[str, str]
    payload_folder: str
    payload_exists: bool
    processes: Mapping[str, Started] = field(default_factory=dict)
    placed: Placed | None = None


@dataclass(frozen=True)
class DescribedPayload:
    """All that is shown of one payload.

    Attributes:
        entries: what lies in it; what is no file has its fault.
        folder: where it lies, on the machine that runs jobs.
    """

    payload: Payload
    entries: tuple[Entry, ...]
    folder: str


@dataclass(frozen=True)
class DescribedImage:
    """A registered image, and how its program is started.

    Attributes:
        python: the interpreter; None where an environment has to be made first.
    """

    image: RegisteredImage
    python: str | None
    workdir: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class JobAgain:
    """A new job that goes on where another one ended.

    Attributes:
        reused: operators that are not run.
        running: those that will run.
        shared: how the files of the others came into the new payload.
        notices: how names were understood, and what could not be taken over.
    """

    job_id: str
    payload_id: str
    reused: tuple[str, ...]
    running: tuple[str, ...]
    shared: str
    notices: tuple[str, ...]


@dataclass(frozen=True)
class LogQuery:
    """Which part of a job's logs is wanted, and how.

    Attributes:
        operators: names as the user gave them; none for all.
        since: seconds since 1970; None from the beginning.
        tail: how many of the last lines of each log; None for all.
        follow: go on until the job has ended.
        terminal: lines are wanted, and those that are drawn again and again as they are drawn; else a single log is
            wanted as it was written.
    """

    job: str
    operators: tuple[str, ...] = ()
    since: float | None = None
    tail: int | None = None
    follow: bool = False
    terminal: bool = False
