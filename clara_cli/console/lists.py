"""Registered images and models."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.pages import page
from clara_cli.database import Database
from clara_cli.images.reference import RegisteredImage
from clara_cli.images.store import registered_images
from clara_cli.models.store import Model, list_models

router = APIRouter(include_in_schema=False)


@router.get("/images")
async def images(request: Request, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    return page(request, "images.html", title="Images", here="images", images=await desk.call(_images))


@router.get("/models")
async def models(request: Request, desk: Annotated[Desk, Depends(desk_of)]) -> Response:
    return page(request, "models.html", title="Models", here="models", models=await desk.call(_models))


def _images(database: Database) -> list[RegisteredImage]:
    with database.read() as connection:
        return registered_images(connection)


def _models(database: Database) -> list[Model]:
    with database.read() as connection:
        return list_models(connection)
