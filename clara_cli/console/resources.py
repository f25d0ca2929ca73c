"""What the operators of a job took, and the `requests` that suggests."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.job import JobPage, look
from clara_cli.console.pages import page
from clara_cli.database import Database
from clara_cli.jobs.model import OperatorRecord
from clara_cli.jobs.sizing import Run, Sizing, past_runs, suggest

router = APIRouter(include_in_schema=False)


@router.get("/jobs/{job_id}/resources")
async def resources(request: Request, job_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    shown, sizes = await desk.call(_look, job_id)
    title = f"Resources of {shown.view.job.name}"
    return page(request, "job_resources.html", title=title, here="jobs", tab="resources", shown=shown, sizes=sizes)


def _look(database: Database, job_id: str) -> tuple[JobPage, list[Sizing]]:
    shown = look(database, job_id)
    asked = {operator.name: operator.requests for operator in shown.pipeline.operators}
    sizes = []
    with database.read() as connection:
        for operator in shown.view.operators:
            runs = past_runs(connection, shown.view.job.pipeline_id, operator.name)
            sizes.append(Sizing(operator.name, asked[operator.name], _run(operator), len(runs), suggest(runs)))
    return shown, sizes


def _run(operator: OperatorRecord) -> Run | None:
    if operator.cpu_seconds is None or operator.peak_memory is None or operator.started is None:
        return None
    return Run((operator.stopped or operator.started) - operator.started, operator.cpu_seconds, operator.peak_memory)
