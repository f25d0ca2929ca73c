"""Logs of a job's operators and services: a part at a time, followed as they grow, searched."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.job import JobPage, look
from clara_cli.console.pages import page
from clara_cli.console.sending import send_file
from clara_cli.database import Database
from clara_cli.errors import NotFound
from clara_cli.jobs.actions import find_job
from clara_cli.jobs.files import log_of, services_with_log
from clara_cli.jobs.states import JobState, OperatorStatus
from clara_cli.jobs.store import state_of
from clara_cli.runtime.log_window import read_window, search_log
from clara_cli.runtime.plan import operator_log

router = APIRouter(include_in_schema=False)
# Seconds that a question for more waits for it, and between looks at the log's size and at the job.
_PATIENCE, _LOOK, _STATE = 20.0, 0.1, 1.0
_MOST_MATCHES = 500


@router.get("/jobs/{job_id}/logs")
async def first_log(job_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """The log that is most likely wanted: of the operator that failed, else runs, else ended last."""
    shown = await desk.call(look, job_id)
    order = [OperatorStatus.FAULTED, OperatorStatus.RUNNING, OperatorStatus.COMPLETED, OperatorStatus.PENDING]
    if not shown.view.operators:
        raise NotFound(f"job {shown.view.job.id} has no operators")
    # Of several that failed the first one to end is to blame: the others were stopped because of it.
    found = min(
        reversed(shown.view.operators),
        key=lambda item: (
            order.index(item.status),
            (item.stopped or 0.0) if item.status is OperatorStatus.FAULTED else 0.0,
        ),
    )
    return RedirectResponse(f"/jobs/{shown.view.job.id}/logs/{quote(found.name, safe='')}")


@router.get("/jobs/{job_id}/logs/{name}")
async def log_page(request: Request, job_id: str, name: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    shown, name, services = await desk.call(_look, job_id, name)
    title = f"Log of {name} · {shown.view.job.name}"
    return page(
        request, "job_logs.html", title=title, here="jobs", tab="logs", shown=shown, name=name, services=services
    )


@router.get("/jobs/{job_id}/logs/{name}/part")
async def log_part(
    request: Request,
    job_id: str,
    name: str,
    desk: Annotated[Desk, Depends(desk_of)],
    start: Annotated[int | None, Query(ge=0)] = None,
    before: Annotated[int | None, Query(ge=0)] = None,
    wait: bool = False,
) -> Response:
    """A part of the log as it was written. Asked to wait, it is answered once there is more, or the job has ended."""
    found, log = await desk.call(_find, job_id, name)
    ended = await desk.call(_ended, found)
    if wait and start is not None and not ended:
        ended = await _more(request, desk, found, log, start)
    window = await desk.quick.run(lambda: read_window(log, start, before))
    headers = {
        "x-clara-start": str(window.start),
        "x-clara-end": str(window.end),
        "x-clara-size": str(window.size),
        "x-clara-ended": str(int(ended)),
    }
    return Response(window.data, headers=headers, media_type="text/plain; charset=utf-8")


@router.get("/jobs/{job_id}/logs/{name}/search")
async def log_search(
    job_id: str, name: str, desk: Annotated[Desk, Depends(desk_of)], q: Annotated[str, Query(min_length=1)]
) -> Response:
    _, log = await desk.call(_find, job_id, name)
    matches, more = await desk.slow.run(lambda: search_log(log, q, _MOST_MATCHES))
    found = [{"offset": match.offset, "text": match.text.decode("utf-8", "replace")} for match in matches]
    return JSONResponse({"matches": found, "more": more})


@router.get("/jobs/{job_id}/logs/{name}/file")
async def log_file(request: Request, job_id: str, name: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    found, log = await desk.call(_find, job_id, name)
    try:
        file = log.open("rb", buffering=0)
    except FileNotFoundError:
        raise HTTPException(404, f"{name} has written no log") from None
    return send_file(desk.quick, file, f"{found[:8]}-{name}.log", request.headers.get("range"), "text/plain")


async def _more(request: Request, desk: Desk, job_id: str, log: Path, start: int) -> bool:
    """Wait until the log is longer than `start`; returns whether the job has ended."""
    until = time.monotonic() + _PATIENCE
    asked = time.monotonic()
    while time.monotonic() < until and not desk.news.ended:
        if _size(log) > start:
            return False
        if time.monotonic() - asked > _STATE:
            asked = time.monotonic()
            if await desk.call(_ended, job_id):
                return True
            if await request.is_disconnected():
                break
        await asyncio.sleep(_LOOK)
    return False


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _ended(database: Database, job_id: str) -> bool:
    try:
        with database.read() as connection:
            return state_of(connection, job_id) is JobState.STOPPED
    except NotFound:
        return True


def _find(database: Database, job_id: str, name: str) -> tuple[str, Path]:
    """The whole id of the job, and where the log is."""
    view = find_job(database, job_id)
    found, _ = log_of(view, name)
    return view.job.id, operator_log(view.folder, found)


def _look(database: Database, job_id: str, name: str) -> tuple[JobPage, str, list[str]]:
    shown = look(database, job_id)
    found, _ = log_of(shown.view, name)
    return shown, found, services_with_log(shown.view)
