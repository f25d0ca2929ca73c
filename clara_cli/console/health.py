"""What programs that watch over this machine ask for: `/health` and, for Prometheus, `/metrics`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel
from starlette.responses import Response

from clara_cli import __version__
from clara_cli.console.desk import Desk, desk_of
from clara_cli.database import Database
from clara_cli.jobs.overview import count_jobs

router = APIRouter()


class Health(BaseModel):
    """The console answers, and the database can be read."""

    status: str = "ok"
    version: str = __version__


@router.get("/health", tags=["machine"])
async def health(desk: Annotated[Desk, Depends(desk_of)]) -> Health:
    """Whether the console can do its work: 200 if so, 503 if the database cannot be used."""
    await desk.call(_count)
    return Health()


@router.get("/metrics", tags=["machine"], response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """Jobs by state and status, open pages, and what the console itself takes, in Prometheus' text format."""
    began = time.perf_counter()
    counts = await desk.call(_count)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(_Numbers(counts, desk.news.readers, time.perf_counter() - began))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Numbers(Collector):
    def __init__(self, counts: dict[tuple[str, str], int], readers: int, took: float) -> None:
        self._counts = counts
        self._readers = readers
        self._took = took

    def collect(self) -> Iterator[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("clara_jobs", "Jobs by state and status.", labels=["state", "status"])
        for (state, status), count in sorted(self._counts.items()):
            jobs.add_metric([state.lower(), status.lower()], count)
        yield jobs
        yield GaugeMetricFamily("clara_console_open_pages", "Pages that are kept up to date.", self._readers)
        yield GaugeMetricFamily("clara_database_seconds", "Seconds that counting the jobs took.", self._took)


def _count(database: Database) -> dict[tuple[str, str], int]:
    with database.read() as connection:
        return count_jobs(connection)
