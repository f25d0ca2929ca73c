"""The pipelines view: a card each, and the page of one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.drawing.graph import graph_svg
from clara_cli.console.pages import page
from clara_cli.database import Database
from clara_cli.errors import ClaraError
from clara_cli.jobs.overview import PipelineSummary, pipeline_summaries
from clara_cli.jobs.search import FoundJob, JobQuery, search_jobs
from clara_cli.jobs.states import JobPriority
from clara_cli.pipelines.load import load_files
from clara_cli.pipelines.model import Pipeline, from_json
from clara_cli.pipelines.source import read_source
from clara_cli.pipelines.store import PipelineRecord, find_pipeline, pipeline_files

router = APIRouter(include_in_schema=False)
# Jobs that the page of a pipeline shows.
_RECENT = 5


@dataclass(frozen=True)
class PipelinePage:
    """All that the page of a pipeline shows.

    Attributes:
        files: path and text of each file of the definition.
        warnings: what was ignored in it, or should be written otherwise.
    """

    record: PipelineRecord
    pipeline: Pipeline
    files: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    recent: tuple[FoundJob, ...]
    total: int


@router.get("/")
async def home() -> Response:
    return RedirectResponse("/pipelines")


@router.get("/pipelines")
async def pipelines(request: Request, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    found = await desk.call(_summaries)
    return page(request, "pipelines.html", title="Pipelines", here="pipelines", pipelines=found)


@router.get("/pipelines/{pipeline_id}")
async def pipeline(request: Request, pipeline_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    found = await desk.call(_look, pipeline_id)
    return page(
        request,
        "pipeline.html",
        title=f"Pipeline {found.record.name}",
        here="pipelines",
        shown=found,
        priorities=list(JobPriority),
        graph=graph_svg(found.pipeline, {}),
    )


def _summaries(database: Database) -> list[PipelineSummary]:
    with database.read() as connection:
        return pipeline_summaries(connection)


def _look(database: Database, text: str) -> PipelinePage:
    with database.read() as connection:
        record = find_pipeline(connection, text)
        files = pipeline_files(connection, record.id)
        found = search_jobs(connection, JobQuery(pipelines=(record.id,), count=_RECENT))
    try:
        warnings = tuple(warning.render() for warning in load_files(files).warnings)
    except ClaraError:  # stored by an earlier version that knew other rules
        warnings = ()
    texts = tuple((path, read_source(path, content).text) for path, content in files)
    return PipelinePage(record, from_json(json.loads(record.definition)), texts, warnings, found.jobs, found.total)
