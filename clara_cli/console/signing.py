"""Signing in and out, where a token is needed."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.guard import own_form
from clara_cli.console.pages import page
from clara_cli.console.sessions import COOKIE, LIFETIME

router = APIRouter(include_in_schema=False)
# Seconds that a wrong token costs.
_WRONG = 1.0


@router.get("/sign-in")
async def sign_in_page(request: Request, to: str = "/") -> Response:
    return page(request, "sign_in.html", title="Sign in", here="", to=_inside(to), wrong=False)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    desk: Annotated[Desk, Depends(desk_of)],
    token: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "/",
) -> Response:
    if not desk.sessions.fits(token):
        await asyncio.sleep(_WRONG)
        return page(request, "sign_in.html", 403, title="Sign in", here="", to=_inside(to), wrong=True)
    answer = RedirectResponse(_inside(to), 303)
    answer.set_cookie(COOKIE, desk.sessions.cookie(), max_age=LIFETIME, httponly=True, samesite="lax")
    return answer


@router.post("/sign-out", dependencies=[Depends(own_form)])
async def sign_out() -> Response:
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _inside(to: str) -> str:
    """A place of the console: never another site's."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() else "/"
