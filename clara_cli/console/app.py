"""The application: every topic's routes behind one guard."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from clara_cli import __version__
from clara_cli.console.desk import Desk
from clara_cli.console.guard import Guard
from clara_cli.console.pages import STATIC, page
from clara_cli.console.sharing import Sharing
from clara_cli.console.uploads import UploadTooLarge
from clara_cli.errors import ClaraError, DefinitionError, ImageError, NotFound, StateConflict, StoreError, UsageError
from clara_cli.jobs.recovery import recover
from clara_cli.payloads.names import BadFileName
from clara_cli.payloads.receive import DiskFull

log = logging.getLogger("clara.console")

# Modules of this package, each with a `router`. A topic of its own adds its name here.
ROUTERS = (
    "signing",
    "pipelines",
    "new_job",
    "jobs",
    "job",
    "logs",
    "files",
    "resources",
    "viewer",
    "niivue",
    "lists",
    "events",
    "health",
    "api",
)
# Kind of error → HTTP status; the first that fits counts.
STATUSES: tuple[tuple[type[ClaraError], int], ...] = (
    (NotFound, 404),
    (StateConflict, 409),
    (BadFileName, 400),
    (UploadTooLarge, 413),
    (DiskFull, 507),
    (UsageError, 400),
    (DefinitionError, 422),
    (ImageError, 422),
    (StoreError, 503),
    (ClaraError, 422),
)
# Seconds between looks for jobs whose runner died.
_LOOK = 2.0
_API = ("/api", "/metrics", "/health")


def create_app(desk: Desk) -> FastAPI:
    """The console as an ASGI application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        housekeeping = asyncio.create_task(_keep_house(desk))
        desk.ready()
        yield
        housekeeping.cancel()
        desk.close()

    app = FastAPI(
        title="Clara console",
        version=__version__,
        summary="Jobs, pipelines and payloads of this machine",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.desk = desk
    app.add_middleware(Sharing, desk=desk)
    app.add_middleware(Guard, desk=desk)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for name in ROUTERS:
        module = importlib.import_module(f"clara_cli.console.{name}")
        app.include_router(module.router)
    app.add_exception_handler(ClaraError, _clara_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _wrong_values)
    app.add_exception_handler(Exception, _bug)
    return app


async def _keep_house(desk: Desk) -> None:
    """Find jobs whose runner died, as every command does: nobody else may be there to."""
    while True:
        try:
            for job_id in await desk.slow.call(recover):
                log.warning("job %s had lost its runner", job_id)
        except ClaraError as error:
            log.warning("%s", error.message)
        await asyncio.sleep(_LOOK)


def status_of(error: ClaraError) -> int:
    """The HTTP status of an error."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


async def _clara_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ClaraError)
    return _show(request, status_of(error), error.message, error.hint)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text, hint = error.detail, None
    if text == "Not Found":
        text = "There is no such page."
        if request.url.path.startswith("/api"):
            text, hint = f"the API has no {request.url.path}", "/api/openapi.json lists what it has"
    answer = _show(request, error.status_code, text, hint)
    answer.headers.update(error.headers or {})
    if error.status_code == 405:
        answer.headers["allow"] = ", ".join(_methods(request))
    return answer


def _methods(request: Request) -> list[str]:
    """What the routes of an address take; each route by itself knows its own methods only."""
    found: set[str] = set()
    for name in ROUTERS:
        for route in importlib.import_module(f"clara_cli.console.{name}").router.routes:
            if isinstance(route, Route) and route.path_regex.match(request.url.path):
                found |= route.methods or set()
    return sorted(found)


async def _wrong_values(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    for fault in faults:
        if fault["type"] == "json_invalid":
            why = fault.get("ctx", {}).get("error", fault["msg"])
            return _show(request, 400, f"the body is no JSON, from character {fault['loc'][-1]} on: {why}")
    if any(fault["loc"] == ("body",) and fault["type"] != "missing" for fault in faults):
        return _show(request, 422, "the body is no JSON object", "send it with Content-Type: application/json")
    texts = [f"{'.'.join(str(part) for part in fault['loc'][1:]) or 'body'}: {fault['msg']}" for fault in faults]
    return _show(request, 422, "; ".join(texts))


async def _bug(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _show(
        request, 500, "The console itself failed.", "Its log says more: clara console status shows where it is"
    )


def _show(request: Request, status: int, message: str, hint: str | None = None) -> Response:
    if request.url.path.startswith(_API) or "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"error": message, **({"hint": hint} if hint else {})}, status)
    return page(request, "error.html", status, title="Not possible", here="", message=message, hint=hint)
