"""What the REST API takes and gives, by the names that the platform's API uses. Times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from clara_cli.images.reference import RegisteredImage
from clara_cli.jobs.actions import JobView
from clara_cli.jobs.model import Job
from clara_cli.jobs.search import FoundJob
from clara_cli.jobs.states import JobPriority, JobState, JobStatus, OperatorStatus
from clara_cli.models.store import Model
from clara_cli.payloads.walk import Entry
from clara_cli.pipelines.store import PipelineRecord


class Strict(BaseModel):
    """A request: what it may not hold is refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Why something was not done, and what helps."""

    error: str
    hint: str | None = None


class PipelineItem(BaseModel):
    pipeline_id: str
    name: str
    created: datetime | None


class PipelineOperator(BaseModel):
    name: str
    image: str
    tag: str
    reads_from: list[str]


class PipelineDetails(PipelineItem):
    """A pipeline; `parameters` are what values can be given for at a start, with their defaults."""

    api_version: str
    operators: list[PipelineOperator]
    parameters: dict[str, str | None]


class DefinitionFile(Strict):
    path: Annotated[str, Field(min_length=1, max_length=1024)]
    content: str


class NewPipeline(Strict):
    """A definition: its files, that with the operators first."""

    files: Annotated[list[DefinitionFile], Field(min_length=1, max_length=1000)]


class JobItem(BaseModel):
    job_id: str
    payload_id: str
    pipeline_id: str
    pipeline_name: str | None = None
    name: str
    state: JobState
    status: JobStatus
    priority: JobPriority
    created: datetime
    started: datetime | None
    stopped: datetime | None


class JobList(BaseModel):
    """A part of the list, and the number of all jobs that were asked for."""

    jobs: list[JobItem]
    total: int


class OperatorItem(BaseModel):
    """An operator; `cpu_seconds` and `peak_memory` (bytes) are known once its process has ended."""

    name: str
    image: str
    status: OperatorStatus
    started: datetime | None
    stopped: datetime | None
    exit_code: int | None
    cpu_seconds: float | None = None
    peak_memory: int | None = None


class MessageItem(BaseModel):
    created: datetime
    severity: str
    text: str


class JobDetails(JobItem):
    operators: list[OperatorItem]
    messages: list[MessageItem]
    variables: dict[str, str]
    metadata: dict[str, str]


class NewJob(Strict):
    """A job to be made; `payloads` are reusable ones, which are copied into its input."""

    pipeline_id: Annotated[str, Field(min_length=1, max_length=64)]
    name: Annotated[str, Field(min_length=1, max_length=255)]
    priority: JobPriority = JobPriority.NORMAL
    payloads: Annotated[list[str], Field(max_length=100)] = []
    metadata: dict[str, str] = {}


class Start(Strict):
    """Values for parameters of the pipeline."""

    variables: dict[str, str] = {}


class Cancellation(Strict):
    reason: Annotated[str, Field(max_length=1000)] = "asked for over the REST API"


class Again(Strict):
    """Where to begin: `from` an operator, `everything`, or without both with what did not complete."""

    operator: Annotated[str | None, Field(alias="from", max_length=256)] = None
    everything: bool = False


class FileItem(BaseModel):
    """A file of a payload; `fault` says why it cannot be read."""

    name: str
    size: int
    fault: str | None = None


class ImageItem(BaseModel):
    name: str
    tag: str
    folder: str
    driver: bool


class ModelItem(BaseModel):
    model_id: str
    name: str
    type: str
    versions: list[int]
    created: datetime | None


def when(seconds: float) -> datetime:
    """Seconds since 1970 as a point in time, to the millisecond."""
    return datetime.fromtimestamp(int(seconds * 1000) / 1000, timezone.utc)


def when_if(seconds: float | None) -> datetime | None:
    return None if seconds is None else when(seconds)


def pipeline_item(record: PipelineRecord) -> PipelineItem:
    return PipelineItem(pipeline_id=record.id, name=record.name, created=when_if(record.created))


def job_item(job: Job, pipeline_name: str | None) -> JobItem:
    return JobItem(
        job_id=job.id,
        payload_id=job.payload_id,
        pipeline_id=job.pipeline_id,
        pipeline_name=pipeline_name,
        name=job.name,
        state=job.state,
        status=job.status,
        priority=job.priority,
        created=when(job.created),
        started=when_if(job.started),
        stopped=when_if(job.stopped),
    )


def found_item(found: FoundJob) -> JobItem:
    return job_item(found.job, found.pipeline or None)


def job_details(view: JobView, pipeline_name: str | None) -> JobDetails:
    operators = [
        OperatorItem(
            name=operator.name,
            image=operator.image,
            status=operator.status,
            started=when_if(operator.started),
            stopped=when_if(operator.stopped),
            exit_code=operator.exit_code,
            cpu_seconds=operator.cpu_seconds,
            peak_memory=operator.peak_memory,
        )
        for operator in view.operators
    ]
    messages = [
        MessageItem(created=when(item.created), severity=item.severity, text=item.text) for item in view.messages
    ]
    return JobDetails(
        **job_item(view.job, pipeline_name).model_dump(),
        operators=operators,
        messages=messages,
        variables=dict(view.job.variables),
        metadata=dict(view.metadata),
    )


def file_item(entry: Entry, name: str) -> FileItem:
    return FileItem(name=name, size=entry.size, fault=entry.fault)


def image_item(image: RegisteredImage) -> ImageItem:
    return ImageItem(name=image.name, tag=image.tag, folder=str(image.folder), driver=image.uses_driver)


def model_item(model: Model) -> ModelItem:
    return ModelItem(
        model_id=model.id,
        name=model.name,
        type=model.type,
        versions=list(model.versions),
        created=when_if(model.created),
    )
