"""Looking at what lies in a payload, or at the variables of a running job: volumes, pictures, tables, text."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.file_names import name_after
from clara_cli.console.looking import PRESETS, Look, facts, panes, shown_place, shown_value
from clara_cli.console.niivue import bundle
from clara_cli.console.pages import page
from clara_cli.console.previews import preview
from clara_cli.console.viewed import Place, address, arrays, beside, find_place, held, open_over, open_place, state_of
from clara_cli.database import Database
from clara_cli.errors import ClaraError, VolumeError
from clara_cli.jobs.actions import find_job
from clara_cli.payloads.names import show_name
from clara_cli.volumes.orientation import Plane
from clara_cli.volumes.overlay import label_over
from clara_cli.volumes.picture import draw, png
from clara_cli.volumes.volume import Volume
from clara_cli.volumes.window import Window, default_window

router = APIRouter(include_in_schema=False)


@router.get("/payloads/{payload_id}/view/{path:file}")
async def view(request: Request, payload_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """A page for whatever it is."""
    reference = name_after(request, "/view/")
    place = await desk.call(find_place, payload_id, reference)
    named: dict[str, Any] = {"title": place.title, "here": "jobs", "place": place, "links": _links(place)}
    if not place.is_volume:
        shown = await desk.slow.call(preview, payload_id, reference)
        return page(request, "preview.html", fault=None, shown=shown, **named)
    look = Look.of(request.query_params)
    try:
        values = await desk.slow.call(_page, place, look)
    except VolumeError as error:  # still there to be downloaded
        return page(request, "preview.html", 422, fault=error, **named)
    return page(request, "viewer.html", said=request.url.query, **named, **values)


@router.get("/jobs/{job_id}/variables")
async def job_variables(request: Request, job_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """The FastIO variables of a running job, as a part of its page."""
    shown = await desk.slow.call(_variables, job_id)
    return page(request, "parts/variables.html", title="Variables", here="jobs", variables=shown)


@router.get("/payloads/{payload_id}/slice/{path:file}")
async def picture(
    request: Request,
    payload_id: str,
    desk: Annotated[Desk, Depends(desk_of)],
    plane: Plane,
    at: Annotated[int, "from the right, the front or below"],
) -> Response:
    """One slice as a PNG."""
    look, reference = Look.of(request.query_params), name_after(request, "/slice/")

    def drawn(database: Database) -> tuple[str | None, bytes]:
        place = find_place(database, payload_id, reference)
        over = find_place(database, payload_id, look.overlay) if look.overlay else None
        tag = _tag(request, [found for found in (place, over) if found], look)
        if tag is not None and tag == request.headers.get("if-none-match"):
            return tag, b""
        return tag, _picture(place, over, look, plane, at)

    tag, content = await desk.slow.call(drawn)
    if tag is None:
        return Response(content, media_type="image/png")
    kept = {"etag": tag, "cache-control": "private, no-cache"}
    return (
        Response(content, media_type="image/png", headers=kept) if content else Response(status_code=304, headers=kept)
    )


@router.get("/payloads/{payload_id}/voxel/{path:file}")
async def voxel(request: Request, payload_id: str, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    """What there is where the three planes cross."""
    look, reference = Look.of(request.query_params), name_after(request, "/voxel/")
    return JSONResponse(await desk.slow.call(_voxel, payload_id, reference, look))


def _voxel(database: Database, payload_id: str, reference: str, look: Look) -> dict[str, object]:
    place = find_place(database, payload_id, reference)
    volume = open_place(place, look.array, look.axes)
    left, back, up = (look.at(volume, plane) for plane in (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL))
    found: dict[str, object] = {"value": shown_value(volume.value(left, back, up, look.frame)), "unit": volume.unit}
    if volume.orientation.affine is not None:
        found["place"] = shown_place(volume.orientation.affine @ (left, back, up, 1))
    if look.overlay:
        overlay = open_over(find_place(database, payload_id, look.overlay), look.axes, volume)
        found["label"] = label_over(overlay, volume, (left, back, up))
    return found


def _variables(database: Database, job_id: str) -> list[dict[str, str]]:
    job = find_job(database, job_id).job
    base = f"/payloads/{job.payload_id}/view/"
    return [
        {**asdict(found), "address": base + quote(found.reference) if found.reference else ""} for found in held(job.id)
    ]


def _picture(place: Place, over: Place | None, look: Look, plane: Plane, at: int) -> bytes:
    volume = open_place(place, look.array, look.axes)
    overlay = open_over(over, look.axes, volume) if over else None
    window = _window(volume, look)
    return png(draw(volume, plane, at, window, look.frame, overlay, look.opacity))


def _window(volume: Volume, look: Look) -> Window:
    if look.window and look.level is not None:
        return look.windowed(Window(1, 0))
    return look.windowed(default_window(volume, look.frame))


def _page(database: Database, place: Place, look: Look) -> dict[str, Any]:
    """What the page of a volume shows."""
    volume = open_place(place, look.array, look.axes)
    volume.check_frame(look.frame)
    window = _window(volume, look)
    fault = ""
    if look.overlay:
        try:
            open_over(find_place(database, place.payload_id, look.overlay), look.axes, volume)
        except ClaraError as error:  # the volume itself can be seen all the same
            fault, look = error.message, replace(look, overlay="")
    return {
        "volume": volume,
        "look": look,
        "window": window,
        "default": default_window(volume, look.frame),
        "panes": panes(volume, look, window, address(place, "slice")),
        "facts": facts(volume),
        "presets": PRESETS if volume.unit == "HU" else (),
        "arrays": arrays(place, look.array, look.axes),
        "others": [(name, show_name(name)) for name in beside(place)],
        "fault": fault,
    }


def _tag(request: Request, places: list[Place], look: Look) -> str | None:
    """An ETag; None where a variable takes part, which may change at any time."""
    states = [state_of(place, look.array, look.axes) for place in places]
    if None in states:
        return None
    return f'"{hashlib.blake2b(repr((request.url.query, states)).encode(), digest_size=12).hexdigest()}"'


def _links(place: Place) -> dict[str, str]:
    return {
        "slice": address(place, "slice"),
        "file": "" if place.path is None or place.path.is_dir() else address(place, "files"),
        "zip": address(place, "zip") if place.path is not None and place.path.is_dir() else "",
        "job": f"/jobs/{place.job_id}" if place.job_id else "",
        "niivue": address(place, "niivue") if bundle() else "",
    }
