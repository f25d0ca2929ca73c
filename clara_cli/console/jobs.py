"""The jobs view: a table that is searched, filtered and paged on the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.pages import page
from clara_cli.database import Database
from clara_cli.jobs.search import ORDERS, JobQuery, JobsFound, search_jobs
from clara_cli.jobs.states import JobPriority, JobState, JobStatus
from clara_cli.pipelines.store import PipelineRecord, list_pipelines

router = APIRouter(include_in_schema=False)
PAGE = 50
# What people filter by → states and statuses of jobs.
STATES: dict[str, tuple[tuple[JobState, ...], tuple[JobStatus, ...]]] = {
    "pending": ((JobState.PENDING,), ()),
    "running": ((JobState.RUNNING,), ()),
    "succeeded": ((JobState.STOPPED,), (JobStatus.HEALTHY,)),
    "failed": ((JobState.STOPPED,), (JobStatus.FAULTED,)),
    "cancelled": ((JobState.STOPPED,), (JobStatus.CANCELED,)),
    "evicted": ((JobState.STOPPED,), (JobStatus.EVICTED,)),
    "terminated": ((JobState.STOPPED,), (JobStatus.TERMINATED,)),
}


@dataclass(frozen=True)
class Asked:
    """What the address of the jobs view asks for; wrong values count as none."""

    text: str
    state: str
    pipeline: str
    priority: str
    order: str
    ascending: bool
    page: int

    @classmethod
    def read(cls, query: QueryParams) -> Asked:
        number = query.get("page", "1")
        state, priority, order = query.get("state", ""), query.get("priority", ""), query.get("order", "")
        return cls(
            text=query.get("q", "").strip()[:200],
            state=state if state in STATES else "",
            pipeline=query.get("pipeline", "")[:64],
            priority=priority if priority in JobPriority.__members__ else "",
            order=order if order in ORDERS else "created",
            ascending=query.get("direction") == "up",
            page=max(1, min(int(number), 1_000_000)) if number.isdecimal() and number.isascii() else 1,
        )

    def address(self, **changes: Any) -> str:
        """The address of this view with other values; any change but of the page leads to the first page."""
        values: dict[str, Any] = {
            "q": self.text,
            "state": self.state,
            "pipeline": self.pipeline,
            "priority": self.priority,
            "order": "" if self.order == "created" else self.order,
            "direction": "up" if self.ascending else "",
            "page": "",
        } | changes
        kept: Mapping[str, Any] = {name: value for name, value in values.items() if value not in ("", 1)}
        return f"/jobs?{urlencode(kept)}" if kept else "/jobs"

    def sorted_by(self, order: str) -> str:
        """The address that orders by a column; by the same one a second time the other way round."""
        ascending = not self.ascending if order == self.order else order == "name"
        return self.address(order="" if order == "created" else order, direction="up" if ascending else "")

    @property
    def filtered(self) -> bool:
        return bool(self.text or self.state or self.pipeline or self.priority)

    def query(self) -> JobQuery:
        states, statuses = STATES.get(self.state, ((), ()))
        return JobQuery(
            text=self.text,
            states=states,
            statuses=statuses,
            priorities=(JobPriority(self.priority),) if self.priority else (),
            pipelines=(self.pipeline,) if self.pipeline else (),
            order=self.order,
            ascending=self.ascending,
            start=(self.page - 1) * PAGE,
            count=PAGE,
        )


@router.get("/jobs")
async def jobs(request: Request, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    asked = Asked.read(request.query_params)
    found, pipelines = await desk.call(_look, asked.query())
    pages = max(1, -(-found.total // PAGE))
    return page(
        request,
        "jobs.html",
        title="Jobs",
        here="jobs",
        found=found,
        asked=asked,
        pages=pages,
        page_size=PAGE,
        pipelines=pipelines,
        states=list(STATES),
        priorities=list(JobPriority),
    )


def _look(database: Database, query: JobQuery) -> tuple[JobsFound, list[PipelineRecord]]:
    with database.read() as connection:
        return search_jobs(connection, query), list_pipelines(connection)
