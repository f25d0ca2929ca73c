"""Who may ask: by the right name, from the console's own pages, signed in; and what browsers may do with answers."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import quote, urlsplit

from fastapi import HTTPException, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clara_cli.console.desk import Desk, desk_of
from clara_cli.console.options import Options
from clara_cli.console.sessions import COOKIE
from clara_cli.quantities import show_size

# The field of a form, and the header of a script, that hold the session's token.
FORM_TOKEN, FORM_HEADER = "form_token", "x-clara-form"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_SAFE = {"GET", "HEAD", "OPTIONS"}
# What is shown to whoever has not signed in.
_OPEN = re.compile(r"/(sign-in|health|static/.*)")


# Where files are sent, which have bounds of their own.
_UPLOADS = re.compile(r"/pipelines/[^/]*/jobs|/api/v1/payloads/[^/]*/files/[\s\S]*")


class Guard:
    """ASGI middleware: refuses what does not come from the console's own pages; adds headers to every answer.

    An answer that sets one of these headers itself keeps its own.
    """

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        self._hosts = known_hosts(desk.options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        if not _UPLOADS.fullmatch(scope["path"]):
            receive = _bounded(receive, self._desk.config.platform.message)
        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._knows(host):
            return PlainTextResponse(
                "This name is not one of the console's: open it by its address, or start it with --allow-host NAME.\n",
                status_code=421,
            )
        if scope["method"] not in _SAFE and not _same_origin(headers, host):
            return PlainTextResponse("Changes are made from the console's own pages only.\n", status_code=403)
        return self._unknown_person(scope, headers)

    def _knows(self, host: str) -> bool:
        name = host_name(host)
        if name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # An address cannot be rebound to another one, as a name can.
        return address.is_loopback or not self._desk.options.loopback

    def _unknown_person(self, scope: Scope, headers: Headers) -> Response | None:
        sessions = self._desk.sessions
        path = scope["path"]
        if not sessions.needed or _OPEN.fullmatch(path):
            return None
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and sessions.fits(token):
            return None
        if sessions.valid(HTTPConnection(scope).cookies.get(COOKIE)):
            return None
        if scope["method"] == "GET" and "text/html" in headers.get("accept", "") and not path.startswith("/api/"):
            query = scope["query_string"].decode("latin-1")
            place = quote(path) + (f"?{query}" if query else "")
            return RedirectResponse(f"/sign-in?to={quote(place, safe='/')}", 303)
        return JSONResponse({"error": "sign in, or send the token as Authorization: Bearer"}, 401)


def _bounded(receive: Receive, limit: int) -> Receive:
    """A request's body, of which no more than so many bytes are taken."""
    left = limit

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, f"The request is too large: at most {show_size(limit)} are read.")
        return message

    return bounded


def known_hosts(options: Options) -> set[str]:
    """Names by which browsers may call the console, in lower case."""
    names = {"localhost", options.host.lower(), *options.allowed}
    own = {socket.gethostname().lower()}
    if not options.loopback:
        return names | own | {socket.getfqdn().lower()}
    return names | {name for name in own if _is_loopback(name)}


def host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    host = host.strip().lower()
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0].removesuffix(".")


def _is_loopback(name: str) -> bool:
    try:
        found = socket.getaddrinfo(name, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(item[4][0]).is_loopback for item in found)


def _same_origin(headers: Headers, host: str) -> bool:
    """Whether a change comes from a page of this host, or from a program that is no browser."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.strip().lower()


async def own_form(request: Request) -> None:
    """A dependency of every page's change: the form, or the script, is of this session.

    Raises:
        HTTPException: 403 otherwise.
    """
    given = request.headers.get(FORM_HEADER)
    if given is None:
        value = (await request.form()).get(FORM_TOKEN)
        given = value if isinstance(value, str) else ""
    check_form(request, given)


def check_form(request: Request, given: str) -> None:
    """Raise HTTPException (403) unless the token is this session's."""
    if not desk_of(request).sessions.fits_form(given, request.cookies.get(COOKIE)):
        raise HTTPException(403, "This page is too old: load it again, then repeat what you did.")
