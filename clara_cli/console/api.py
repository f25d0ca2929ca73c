"""The REST API: `/api/v1`, described by `/api/openapi.json`. The same functions as the command line and gRPC."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from starlette.responses import Response

from clara_cli.console import api_models as wire
from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.file_names import name_after
from clara_cli.console.job import look as look_at_job
from clara_cli.console.job import start_job
from clara_cli.console.new_job import checked_name
from clara_cli.console.sending import send_file
from clara_cli.console.uploads import Upload
from clara_cli.database import Database
from clara_cli.images.store import registered_images
from clara_cli.jobs.actions import create_job, find_job
from clara_cli.jobs.ending import ask_to_cancel
from clara_cli.jobs.files import log_of
from clara_cli.jobs.removal import delete_jobs, find_jobs
from clara_cli.jobs.rerun import rerun_job
from clara_cli.jobs.search import LARGEST_PAGE, JobQuery, search_jobs
from clara_cli.jobs.states import JobPriority, JobState, JobStatus
from clara_cli.models.store import list_models
from clara_cli.payloads.actions import find_payload, payload_files
from clara_cli.payloads.names import show_name
from clara_cli.payloads.reading import open_file
from clara_cli.pipelines.load import load_files
from clara_cli.pipelines.model import from_json
from clara_cli.pipelines.store import delete_pipeline, find_pipeline, insert_pipeline, list_pipelines
from clara_cli.runtime.log_window import read_window
from clara_cli.runtime.plan import operator_log

_TEXTS = {
    400: "The request is malformed.",
    401: "Sign in, or send the token as `Authorization: Bearer TOKEN`.",
    403: "A browser's page of another site asked.",
    404: "There is no such thing.",
    409: "Its state does not allow that.",
    413: "It is too large.",
    422: "It cannot be done with these values.",
    503: "The database cannot be used.",
    507: "The disk is full.",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": wire.Problem, "description": text} for status, text in _TEXTS.items()
}
router = APIRouter(prefix="/api/v1", responses=_PROBLEMS)
TheDesk = Annotated[Desk, Depends(desk_of)]
PipelineId = Annotated[str, Path(description="The id of a pipeline, or its first digits.", max_length=64)]
JobId = Annotated[str, Path(description="The id of a job, or its first digits.", max_length=64)]
PayloadId = Annotated[str, Path(description="The id of a payload or of its job, or its first digits.", max_length=64)]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The file, or the range asked for."}
}


@router.get("/pipelines", tags=["pipelines"])
async def get_pipelines(desk: TheDesk) -> list[wire.PipelineItem]:
    """All pipelines, newest first."""

    def look(database: Database) -> list[wire.PipelineItem]:
        with database.read() as connection:
            return [wire.pipeline_item(record) for record in list_pipelines(connection)]

    return await desk.call(look)


@router.post("/pipelines", status_code=201, tags=["pipelines"])
async def post_pipeline(desk: TheDesk, new: wire.NewPipeline) -> wire.PipelineItem:
    """Store a definition. The files given are all there is: nothing is read from the machine."""

    def create(database: Database) -> wire.PipelineItem:
        loaded = load_files([(file.path, file.content.encode("utf-8", "surrogatepass")) for file in new.files])
        with database.write() as connection:
            return wire.pipeline_item(find_pipeline(connection, insert_pipeline(connection, loaded)))

    return await desk.slow.call(create)


@router.get("/pipelines/{pipeline_id}", tags=["pipelines"])
async def get_pipeline(desk: TheDesk, pipeline_id: PipelineId) -> wire.PipelineDetails:
    """One pipeline with its operators."""

    def look(database: Database) -> wire.PipelineDetails:
        with database.read() as connection:
            record = find_pipeline(connection, pipeline_id)
        pipeline = from_json(json.loads(record.definition))
        operators = [
            wire.PipelineOperator(name=item.name, image=item.image, tag=item.tag, reads_from=sorted(item.sources))
            for item in pipeline.operators
        ]
        return wire.PipelineDetails(
            **wire.pipeline_item(record).model_dump(),
            api_version=pipeline.api_version,
            operators=operators,
            parameters=dict(record.parameters),
        )

    return await desk.call(look)


@router.delete("/pipelines/{pipeline_id}", status_code=204, tags=["pipelines"])
async def remove_pipeline(desk: TheDesk, pipeline_id: PipelineId) -> None:
    """Forget a pipeline; jobs that were made of it stay."""

    def remove(database: Database) -> None:
        with database.write() as connection:
            delete_pipeline(connection, find_pipeline(connection, pipeline_id).id)

    await desk.slow.call(remove)


@router.get("/jobs", tags=["jobs"])
async def get_jobs(
    desk: TheDesk,
    q: Annotated[str, Query(max_length=200, description="Words in the names of job and pipeline; digits of ids.")] = "",
    state: Annotated[list[JobState] | None, Query()] = None,
    status: Annotated[list[JobStatus] | None, Query()] = None,
    priority: Annotated[list[JobPriority] | None, Query()] = None,
    pipeline: Annotated[list[str] | None, Query(description="Whole ids.")] = None,
    start: Annotated[int, Query(ge=0, le=1 << 40)] = 0,
    count: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
) -> wire.JobList:
    """Jobs, newest first, a part at a time."""
    query = JobQuery(
        q,
        tuple(state or ()),
        tuple(status or ()),
        tuple(priority or ()),
        tuple(pipeline or ()),
        start=start,
        count=count,
    )

    def look(database: Database) -> wire.JobList:
        with database.read() as connection:
            found = search_jobs(connection, query)
        return wire.JobList(jobs=[wire.found_item(item) for item in found.jobs], total=found.total)

    return await desk.call(look)


@router.post("/jobs", status_code=201, tags=["jobs"])
async def post_job(desk: TheDesk, new: wire.NewJob) -> wire.JobDetails:
    """Make a job. Its input files are put into its payload before it is started."""
    name = checked_name(new.name)

    def create(database: Database) -> wire.JobDetails:
        made = create_job(
            database, name, new.pipeline_id, None, new.priority, payloads=new.payloads, metadata=new.metadata
        )
        return _details(database, made.job.id)

    return await desk.slow.call(create)


@router.get("/jobs/{job_id}", tags=["jobs"])
async def get_job(desk: TheDesk, job_id: JobId) -> wire.JobDetails:
    """One job with its operators and messages."""
    return await desk.call(_details, job_id)


@router.delete("/jobs/{job_id}", status_code=204, tags=["jobs"])
async def remove_job(desk: TheDesk, job_id: JobId) -> None:
    """Delete a job that has ended, or was never started, with its files."""

    def remove(database: Database) -> None:
        delete_jobs(database, find_jobs(database, [job_id]))

    await desk.slow.call(remove)


@router.post("/jobs/{job_id}/start", status_code=202, tags=["jobs"])
async def post_start(
    desk: TheDesk, job_id: JobId, given: Annotated[wire.Start | None, Body()] = None
) -> wire.JobDetails:
    """Start a job; it runs when its turn comes."""

    def start(database: Database) -> wire.JobDetails:
        start_job(database, desk, job_id, given.variables if given else {})
        return _details(database, job_id)

    return await desk.slow.call(start)


@router.post("/jobs/{job_id}/cancel", status_code=202, tags=["jobs"])
async def post_cancel(
    desk: TheDesk, job_id: JobId, given: Annotated[wire.Cancellation | None, Body()] = None
) -> wire.JobDetails:
    """Ask a job to end."""

    def cancel(database: Database) -> wire.JobDetails:
        return _details(database, ask_to_cancel(database, job_id, (given or wire.Cancellation()).reason))

    return await desk.slow.call(cancel)


@router.post("/jobs/{job_id}/again", status_code=201, tags=["jobs"])
async def post_again(
    desk: TheDesk, job_id: JobId, given: Annotated[wire.Again | None, Body()] = None
) -> wire.JobDetails:
    """Make and start a job that shares what the finished operators of an ended one left."""

    def run(database: Database) -> wire.JobDetails:
        wanted = given or wire.Again()
        made = rerun_job(database, job_id, wanted.operator, everything=wanted.everything)
        start_job(database, desk, made.job.id)
        return _details(database, made.job.id)

    return await desk.slow.call(run)


@router.get(
    "/jobs/{job_id}/logs/{name}",
    tags=["jobs"],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
async def get_log(
    desk: TheDesk,
    job_id: JobId,
    name: Annotated[str, Path(description="An operator or a service.", max_length=256)],
    start: Annotated[int | None, Query(ge=0, le=1 << 50, description="Bytes; the end of the log without it.")] = None,
) -> Response:
    """A part of a log, 256 KiB at the most. `X-Clara-End` and `X-Clara-Size` say where it ends, in bytes."""

    def read(database: Database) -> Response:
        view = find_job(database, job_id)
        found, _ = log_of(view, name)
        window = read_window(operator_log(view.folder, found), start)
        headers = {"x-clara-start": str(window.start), "x-clara-end": str(window.end), "x-clara-size": str(window.size)}
        return Response(window.data, headers=headers, media_type="text/plain; charset=utf-8")

    return await desk.call(read)


@router.get("/payloads/{payload_id}/files", tags=["payloads"])
async def get_files(desk: TheDesk, payload_id: PayloadId) -> list[wire.FileItem]:
    """The files of a payload."""

    def look(database: Database) -> list[wire.FileItem]:
        payload = find_payload(database, payload_id)
        return [wire.file_item(entry, show_name(entry.name)) for entry in payload_files(database, payload)]

    return await desk.slow.call(look)


@router.get("/payloads/{payload_id}/files/{path:file}", tags=["payloads"], response_class=Response, responses=_FILE)
async def get_file(
    request: Request, desk: TheDesk, payload_id: PayloadId, path: Annotated[str, Path(description="Its name.")]
) -> Response:
    """One file. A `Range` header is honoured."""
    name = name_after(request, "/files/")
    file = await desk.call(open_file, payload_id, name)
    return send_file(desk.quick, file, name.rpartition("/")[2], request.headers.get("range"))


@router.put(
    "/payloads/{payload_id}/files/{path:file}",
    status_code=204,
    tags=["payloads"],
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}, "required": True}},
)
async def put_file(
    request: Request, desk: TheDesk, payload_id: PayloadId, path: Annotated[str, Path(description="Its name.")]
) -> None:
    """Put a file into a payload: below `input` of a job that was not started, or into a reusable one."""
    upload = await Upload.into(desk, payload_id)
    try:
        await upload.begin(name_after(request, "/files/"))
        async for piece in request.stream():
            await upload.write(piece)
        await upload.finish()
    finally:
        await upload.close()


@router.get("/images", tags=["machine"])
async def get_images(desk: TheDesk) -> list[wire.ImageItem]:
    """Registered images."""

    def look(database: Database) -> list[wire.ImageItem]:
        with database.read() as connection:
            return [wire.image_item(image) for image in registered_images(connection)]

    return await desk.call(look)


@router.get("/models", tags=["machine"])
async def get_models(desk: TheDesk) -> list[wire.ModelItem]:
    """Registered models."""

    def look(database: Database) -> list[wire.ModelItem]:
        with database.read() as connection:
            return [wire.model_item(model) for model in list_models(connection)]

    return await desk.call(look)


def _details(database: Database, job_id: str) -> wire.JobDetails:
    shown = look_at_job(database, job_id)
    return wire.job_details(shown.view, shown.pipeline_name or None)
