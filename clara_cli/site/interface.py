"""What the command line asks of the place where jobs run.

Two classes answer: `clara_cli.site.local.LocalSite` on this machine's root, `clara_cli.remote.site.RemoteSite` over a
platform's API. Both return the core's records, so that what is shown does not depend on where it comes from, and both
raise the errors that the core's functions of the same names document. Ids are given as the user typed them, whole or
their first digits, unless an argument is called `…_id`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from clara_cli.config import Config
from clara_cli.images.reference import RegisteredImage
from clara_cli.jobs.batch import Startable
from clara_cli.jobs.clean import Ended
from clara_cli.jobs.model import Job
from clara_cli.jobs.states import JobPriority
from clara_cli.models.layout import ModelFolder
from clara_cli.models.store import Model
from clara_cli.payloads.download import Downloaded
from clara_cli.payloads.model import Payload
from clara_cli.payloads.upload import Meter
from clara_cli.payloads.walk import Entry
from clara_cli.pipelines.checked import Known
from clara_cli.pipelines.load import Loaded
from clara_cli.pipelines.store import PipelineRecord
from clara_cli.retention import Retention
from clara_cli.runtime.listener import Listener
from clara_cli.runtime.log_stream import Line
from clara_cli.runtime.plan import JobResult
from clara_cli.runtime.stop import StopRequest
from clara_cli.site.model import (
    CreatedJob,
    CreatedPayload,
    DescribedImage,
    DescribedJob,
    DescribedPayload,
    JobAgain,
    LogQuery,
    Progress,
)


class Site(Protocol):
    """The place where jobs run."""

    @property
    def config(self) -> Config:
        """The settings of this call."""
        ...

    @property
    def pipelines(self) -> Pipelines: ...

    @property
    def jobs(self) -> Jobs: ...

    @property
    def payloads(self) -> Payloads: ...

    @property
    def models(self) -> Models: ...

    @property
    def images(self) -> Images: ...


class Pipelines(Protocol):
    """Lists are newest first, here and below."""

    def create(self, loaded: Loaded) -> str:
        """Store a pipeline; returns its id."""
        ...

    def stored(self, loaded: Loaded) -> str:
        """The id of the newest pipeline of the same files; it is stored where there is none."""
        ...

    def known(self, path: Path) -> Known | None:
        """The stored pipeline of a definition that was checked before; None where it has to be read."""
        ...

    def list(self) -> Sequence[PipelineRecord]: ...

    def describe(self, text: str) -> PipelineRecord: ...

    def delete(self, pipeline_ids: Sequence[str]) -> None: ...


class Jobs(Protocol):
    def create(
        self,
        name: str,
        pipeline: str,
        source: Path | None,
        priority: JobPriority,
        *,
        payloads: Sequence[str] = (),
        metadata: Mapping[str, str] = ...,
        meter: Meter | None = None,
    ) -> CreatedJob: ...

    def again(self, text: str, start: str | None, values: Mapping[str, str]) -> JobAgain:
        """Make the job that goes on where another one ended."""
        ...

    def list(self) -> Sequence[Job]: ...

    def rows(self) -> Sequence[Sequence[str | None]]:
        """The list as text, as `clara_cli.jobs.listing.job_rows` has it."""
        ...

    def ids(self) -> Sequence[str]: ...

    def together(self) -> AbstractContextManager[None]:
        """Jobs that are started inside the block share what can be shared."""
        ...

    def describe(self, text: str, *, processes: bool = False) -> DescribedJob:
        """All that is shown of a job; `processes`: also what each operator's process was started with."""
        ...

    def start(self, text: str, values: Mapping[str, str], progress: Progress, *, reuse: bool = False) -> StartedJob: ...

    def after(self) -> str | None:
        """What is to be done here when jobs that were followed have ended; returns what went wrong with it."""
        ...

    def ask_to_cancel(self, text: str, reason: str) -> str: ...

    def finish_cancelling(self, job_id: str) -> Job: ...

    def find(self, texts: Sequence[str]) -> Sequence[str]:
        """The ids of the jobs that are meant, each once."""
        ...

    def wait(self, job_id: str, seconds: float | None) -> Job: ...

    def deletable(self, texts: Sequence[str]) -> Sequence[Job]: ...

    def delete(self, jobs: Sequence[Job], *, keep_payload: bool) -> Sequence[str]:
        """Delete jobs; returns the folders that were kept."""
        ...

    def logs(self, query: LogQuery) -> Logs: ...

    def cleanable(self, limits: Retention | None) -> Sequence[Ended]:
        """Payloads of ended jobs that limits let go; without any, those of the configuration where jobs run."""
        ...

    def clean(self, chosen: Sequence[Ended]) -> Sequence[Ended]: ...


class StartedJob(Startable, Protocol):
    """A job whose start was accepted: at the end of the block it has a runner or has ended.

    Attributes:
        operators: those that are to run.
        programs: what runs each of them, in words.
        reused: operators that are not run → the job that ran them.
    """

    def __enter__(self) -> StartedJob: ...

    @property
    def operators(self) -> Sequence[str]: ...

    @property
    def programs(self) -> Mapping[str, str]: ...

    @property
    def reused(self) -> Mapping[str, str]: ...

    def detach(self) -> None:
        """Let it run without this command."""
        ...

    def follow(self, listener: Listener, stop: StopRequest) -> JobResult:
        """Stay with it until it has ended; a request to stop cancels it."""
        ...


class Logs(AbstractContextManager["Logs"], Protocol):
    """The chosen logs of one job.

    Attributes:
        pending: the job has not been started.
        names: the operators and services that are meant.
        notices: how their names were understood.
        missing: those that have no log yet.
    """

    @property
    def job_id(self) -> str: ...

    @property
    def pending(self) -> bool: ...

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def notices(self) -> Sequence[str]: ...

    @property
    def missing(self) -> Sequence[str]: ...

    def lines(self) -> Iterator[list[Line]]:
        """The lines of all of them by their times."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """What the only one of them holds, as it was written."""
        ...


class Payloads(Protocol):
    def create(self, source: Path | None, metadata: Mapping[str, str], meter: Meter | None) -> CreatedPayload: ...

    def list(self) -> Sequence[Payload]: ...

    def find(self, text: str) -> Payload: ...

    def describe(self, payload: Payload) -> DescribedPayload: ...

    def upload(self, text: str, sources: Sequence[Path], folder: str, meter: Meter | None, *, clobber: bool) -> int: ...

    def files(self, reference: str) -> Files:
        """The files that `ID:PATH` names."""
        ...

    def results(self, job_id: str, operator: str) -> Files | None:
        """What an operator of a job left; None for nothing."""
        ...

    def delete(self, texts: Sequence[str]) -> Sequence[Payload]: ...


class Files(Protocol):
    """Files of a payload that are to be copied here.

    Attributes:
        notice: how a name was understood that was no operator's own.
        left_out: what is meant too, with the reason why it is not copied.
    """

    @property
    def notice(self) -> str | None: ...

    @property
    def left_out(self) -> Sequence[Entry]: ...

    def download(self, destination: str, meter: Meter | None, *, clobber: bool = True) -> Downloaded: ...


class Models(Protocol):
    def create(self, folder: ModelFolder, meter: Meter | None) -> tuple[Model, Model | None]:
        """Keep a copy of a model; also returned is the one whose name it took."""
        ...

    def list(self) -> Sequence[Model]: ...

    def delete(self, texts: Sequence[str]) -> Sequence[Model]: ...


class Images(Protocol):
    def list(self) -> Sequence[RegisteredImage]: ...

    def find(self, text: str) -> RegisteredImage: ...

    def describe(self, text: str) -> DescribedImage: ...

    def delete(self, texts: Sequence[str]) -> Sequence[RegisteredImage]:
        """Forget images, all or none; each is returned once."""
        ...
