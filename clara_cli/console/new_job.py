"""A new job from the page of a pipeline: its files are uploaded, it is made and started, in one go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from python_multipart.exceptions import FormParserError
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, RedirectResponse, Response

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.guard import FORM_HEADER, FORM_TOKEN, check_form
from clara_cli.console.job import start_job
from clara_cli.console.uploads import Form, Upload, boundary_of
from clara_cli.database import Database
from clara_cli.errors import ClaraError, NotFound, UsageError
from clara_cli.jobs import store
from clara_cli.jobs.actions import CreatedJob, create_job
from clara_cli.jobs.removal import delete_jobs
from clara_cli.jobs.states import JobPriority

router = APIRouter(include_in_schema=False)
LONGEST_NAME = 255
# Fields that hold values of the pipeline's parameters begin so.
_VALUE = "value."


@router.post("/pipelines/{pipeline_id}/jobs")
async def new_job(request: Request, pipeline_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """The fields come before the files: `form_token`, `name`, `priority`, `value.<parameter>`, `start`.

    Until the last file is there nothing of the job stays when something goes wrong. A job that cannot be started is
    kept, since its files are uploaded; its page says why.
    """
    form = Form(boundary_of(request.headers.get("content-type", "")))
    made: CreatedJob | None = None
    upload: Upload | None = None
    kept = False
    try:
        current = ""
        async for name, piece in form.files(request.stream()):
            if made is None:
                made = await _create(request, desk, pipeline_id, form.fields)
                upload = await Upload.into(desk, made.job.payload_id)
            assert upload is not None
            if not piece or name != current:
                await upload.begin(name)
                current = name
            await upload.write(piece)
        if made is None:
            made = await _create(request, desk, pipeline_id, form.fields)
        if upload is not None:
            await upload.finish()
        kept = True
    except FormParserError as error:
        raise UsageError(f"this is no form with files: {error}") from error
    except ClientDisconnect:
        return Response(status_code=400)
    finally:
        if upload is not None:
            await upload.close()
        if made is not None and not kept:
            await desk.slow.call(_forget, made)
    if form.fields.get("start", "yes") == "yes":
        await desk.slow.call(_start, desk, made.job.id, _values(form.fields))
    address = f"/jobs/{made.job.id}"
    if FORM_HEADER in request.headers:
        return JSONResponse({"job_id": made.job.id, "address": address}, 201)
    return RedirectResponse(address, 303)


async def _create(request: Request, desk: Desk, pipeline_id: str, fields: Mapping[str, str]) -> CreatedJob:
    check_form(request, request.headers.get(FORM_HEADER) or fields.get(FORM_TOKEN, ""))
    name = checked_name(fields.get("name", ""))
    word = fields.get("priority", "NORMAL")
    if word not in JobPriority.__members__:
        raise UsageError(f"{word!r} is no priority: expected one of {', '.join(JobPriority.__members__)}")
    return await desk.slow.call(create_job, name, pipeline_id, None, JobPriority(word))


def checked_name(text: str) -> str:
    """The name of a job.

    Raises:
        UsageError: it is none.
    """
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f"the name of a job is printable text of 1 to {LONGEST_NAME} characters")
    return name


def _values(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(_VALUE): text for name, text in fields.items() if name.startswith(_VALUE) and text}


def _start(database: Database, desk: Desk, job_id: str, values: Mapping[str, str]) -> None:
    """Start it; if that is not possible its page says why."""
    try:
        start_job(database, desk, job_id, values)
    except ClaraError as error:
        text = f"not started: {error.message}" + (f"\n{error.hint}" if error.hint else "")
        with database.write() as connection:
            store.add_message(connection, job_id, "error", text)


def _forget(database: Database, made: CreatedJob) -> None:
    try:
        delete_jobs(database, [made.job])
    except NotFound:
        pass
