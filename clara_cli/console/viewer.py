"""Looking at files of a payload: volumes, pictures, tables."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

import clara_cli.console.file_names  # noqa: F401

router = APIRouter(include_in_schema=False)


@router.get("/payloads/{payload_id}/view/{path:file}")
async def view(payload_id: str, path: str) -> Response:
    """What the list of files links to for a look at one of them."""
    return RedirectResponse(f"/payloads/{quote(payload_id)}/files/{quote(path)}")
