"""The page of one job, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.drawing.graph import graph_svg
from clara_cli.console.drawing.timeline import timeline_svg
from clara_cli.console.guard import own_form
from clara_cli.console.pages import page
from clara_cli.database import Database
from clara_cli.jobs.actions import JobView, find_job
from clara_cli.jobs.definition import stored
from clara_cli.jobs.ending import ask_to_cancel
from clara_cli.jobs.removal import delete_jobs, find_jobs
from clara_cli.jobs.rerun import rerun_job
from clara_cli.jobs.search import named
from clara_cli.jobs.start import run_detached, submit_job
from clara_cli.jobs.states import JobState, JobStatus
from clara_cli.pipelines.model import Pipeline

router = APIRouter(include_in_schema=False)
changes = APIRouter(include_in_schema=False, dependencies=[Depends(own_form)])
_REASON = "asked for in the console"
# What is asked before something is done that cannot be undone.
QUESTIONS = {"cancel": "Cancel this job?", "delete": "Delete this job with its files and logs?"}
DeskOf = Annotated[Desk, Depends(desk_of)]
Confirmed = Annotated[str, Form()]


@dataclass(frozen=True)
class JobPage:
    """All that the head of a job's pages shows.

    Attributes:
        pipeline: as it was when the job was made.
        pipeline_name: what the pipeline is called now.
        pipeline_kept: whether it is still there.
    """

    view: JobView
    pipeline: Pipeline
    pipeline_name: str
    pipeline_kept: bool

    @property
    def questions(self) -> Mapping[str, str]:
        return QUESTIONS

    @property
    def resumable(self) -> bool:
        job = self.view.job
        return job.state is JobState.STOPPED and job.status is not JobStatus.HEALTHY


def look(database: Database, text: str) -> JobPage:
    """What a job's pages show; NotFound when there is none."""
    view = find_job(database, text)
    with database.read() as connection:
        (found,) = named(connection, [view.job])
    return JobPage(view, stored(view.job), found.pipeline, found.kept)


@router.get("/jobs/{job_id}")
async def job(request: Request, job_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    shown = await desk.call(look, job_id)
    states = {operator.name: operator.status for operator in shown.view.operators}
    return page(
        request,
        "job.html",
        title=f"Job {shown.view.job.name}",
        here="jobs",
        tab="overview",
        shown=shown,
        graph=graph_svg(shown.pipeline, states),
        timeline=timeline_svg(shown.view.operators, time.time(), shown.view.job.started),
    )


@changes.post("/jobs/{job_id}/start")
async def start(job_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    await desk.slow.call(start_job, desk, job_id)
    return _to(job_id)


@changes.post("/jobs/{job_id}/cancel")
async def cancel(request: Request, job_id: str, desk: DeskOf, confirmed: Confirmed = "") -> Response:
    """Only asked for: the page shows when it has ended."""
    if not confirmed:
        return await _ask(request, desk, job_id, "cancel")
    return _to(await desk.slow.call(ask_to_cancel, job_id, _REASON))


@changes.post("/jobs/{job_id}/again")
async def again(
    job_id: str, desk: Annotated[Desk, Depends(desk_of)], operator: Annotated[str, Form(alias="from")] = ""
) -> Response:
    """Run it again: from the failed operators on, from another one (`from=NAME`), or from the start (`from=*`)."""

    def run(database: Database) -> str:
        everything = operator == "*"
        made = rerun_job(database, job_id, None if everything else operator or None, everything=everything)
        start_job(database, desk, made.job.id)
        return made.job.id

    return _to(await desk.slow.call(run))


@changes.post("/jobs/{job_id}/delete")
async def delete(request: Request, job_id: str, desk: DeskOf, confirmed: Confirmed = "") -> Response:
    if not confirmed:
        return await _ask(request, desk, job_id, "delete")

    def remove(database: Database) -> None:
        delete_jobs(database, find_jobs(database, [job_id]))

    await desk.slow.call(remove)
    return RedirectResponse("/jobs", 303)


async def _ask(request: Request, desk: Desk, job_id: str, what: str) -> Response:
    """The question that the page's script asks, where it was not loaded yet or is switched off."""
    job = (await desk.call(look, job_id)).view.job
    return page(
        request,
        "confirm.html",
        title=QUESTIONS[what],
        here="jobs",
        question=QUESTIONS[what],
        about=f"{job.name} ({job.id})",
        address=f"/jobs/{quote(job.id)}/{what}",
        label=what.capitalize(),
        back=f"/jobs/{quote(job.id)}",
    )


def start_job(database: Database, desk: Desk, job_id: str, values: Mapping[str, str] | None = None) -> None:
    """Have a job run by a runner of its own, which goes on when the console ends."""
    with submit_job(database, desk.config, job_id, values) as submitted:
        run_detached(submitted, desk.config, desk.config_file)


def _to(job_id: str) -> Response:
    return RedirectResponse(f"/jobs/{quote(job_id)}", 303)


router.include_router(changes)
