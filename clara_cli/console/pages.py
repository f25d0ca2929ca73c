"""Pages from templates, whole or the part of one that has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from clara_cli import __version__
from clara_cli.console import words
from clara_cli.console.desk import desk_of
from clara_cli.console.sessions import COOKIE

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
# A script that wants a part of a page says which; the part is a template of its own.
PART = "x-clara-part"

_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(words.FILTERS)
_templates.globals.update(version=__version__, took=words.took)


def render(template: str, **values: Any) -> str:
    """A template filled in; values are escaped."""
    return _templates.get_template(template).render(values)


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page of the console.

    A request with the header `X-Clara-Part: jobs_table` gets `parts/jobs_table.html` with the same values instead:
    this is how pages stay up to date (`static/live.js`).

    Args:
        template: a file of `templates/` that extends `base.html`.
        values: for the template. `title` is the page's, `here` the word of the navigation that it belongs to.
    """
    part = request.headers.get(PART)
    values |= {"request": request, "form_token": form_token(request), "desk": desk_of(request)}
    if part is not None:
        name = f"parts/{part}.html"
        if not part.replace("_", "").isalnum() or name not in _templates.list_templates():
            return Response(status_code=400)
        return HTMLResponse(render(name, **values), status)
    return HTMLResponse(render(template, **values), status)


def form_token(request: Request) -> str:
    """What a change made from this session's pages has to send."""
    return desk_of(request).sessions.form_token(request.cookies.get(COOKIE))
