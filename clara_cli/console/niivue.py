"""NiiVue, the field's own viewer, where the package `ipyniivue` is installed: nothing of it is part of this one.

The bundle is that package's module for notebooks. `static/niivue.js` is its host here, by the specification of such
modules (anywidget's AFM). It needs no more than the policy of all pages allows.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import FileResponse, Response, StreamingResponse

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.file_names import name_after
from clara_cli.console.looking import Look, volume_query
from clara_cli.console.pages import page
from clara_cli.console.viewed import Place, address, find_place, open_over, open_place
from clara_cli.database import Database
from clara_cli.volumes.export import nifti_pieces, nifti_size
from clara_cli.volumes.overlay import COLOURS
from clara_cli.volumes.volume import Volume
from clara_cli.volumes.window import Window, default_window

router = APIRouter(include_in_schema=False)
_MISSING = "NiiVue is not installed: pip install 'clara-cli[niivue]'"


@dataclass(frozen=True)
class _Shown:
    """A volume, and what lies over it."""

    place: Place
    volume: Volume
    overlay: Volume | None


def bundle() -> Path | None:
    """NiiVue's script; None where it is not installed."""
    found = find_spec("ipyniivue")
    if found is None or found.origin is None:
        return None
    script = Path(found.origin).parent / "static" / "widget.js"
    return script if script.is_file() else None


@router.get("/niivue/widget.js")
async def script() -> Response:
    found = bundle()
    if found is None:
        raise HTTPException(404, _MISSING)
    return FileResponse(found, media_type="text/javascript", headers={"cache-control": "private, no-cache"})


@router.get("/payloads/{payload_id}/niivue/{path:file}")
async def niivue(request: Request, payload_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """The page with NiiVue in it."""
    if bundle() is None:
        raise HTTPException(404, _MISSING)
    look = Look.of(request.query_params)
    shown, window = await desk.slow.call(_look, payload_id, name_after(request, "/niivue/"), look)
    query = f"?{volume_query(look)}"
    return page(
        request,
        "niivue.html",
        title=f"{shown.place.title} in NiiVue",
        here="jobs",
        place=shown.place,
        look=look,
        window=window,
        image=address(shown.place, "nifti") + query,
        overlay=address(shown.place, "labels") + query if shown.overlay else "",
        back=f"{address(shown.place, 'view')}?{request.url.query}",
        colours=json.dumps(COLOURS.tolist()),
    )


@router.get("/payloads/{payload_id}/nifti/{path:file}")
async def nifti(request: Request, payload_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """Any volume as a NIfTI file."""
    look = replace(Look.of(request.query_params), overlay="")
    shown = await desk.slow.call(_find, payload_id, name_after(request, "/nifti/"), look)
    return _send(desk, shown.volume, look.frame, marked=False)


@router.get("/payloads/{payload_id}/labels/{path:file}")
async def labels(request: Request, payload_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """What lies over a volume, as a NIfTI file of labels."""
    shown = await desk.slow.call(_find, payload_id, name_after(request, "/labels/"), Look.of(request.query_params))
    if shown.overlay is None:
        raise HTTPException(422, "overlay: which file lies over the volume?")
    return _send(desk, shown.overlay, 0, marked=True)


def _send(desk: Desk, volume: Volume, frame: int, marked: bool) -> Response:
    volume.check_frame(frame)

    async def pieces() -> AsyncIterator[bytes]:
        made = nifti_pieces(volume, frame, marked)
        while piece := await desk.slow.run(partial(next, made, b"")):
            yield piece

    size = {"content-length": str(nifti_size(volume, marked))}
    return StreamingResponse(pieces(), headers=size, media_type="application/octet-stream")


def _find(database: Database, payload_id: str, reference: str, look: Look) -> _Shown:
    place = find_place(database, payload_id, reference)
    volume = open_place(place, look.array, look.axes)
    if not look.overlay:
        return _Shown(place, volume, None)
    over = find_place(database, payload_id, look.overlay)
    return _Shown(place, volume, open_over(over, look.axes, volume))


def _look(database: Database, payload_id: str, reference: str, look: Look) -> tuple[_Shown, Window]:
    shown = _find(database, payload_id, reference, look)
    return shown, look.windowed(default_window(shown.volume, look.frame))
