"""Parts of pages that many browsers ask for at the same time, as after every news, are made once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clara_cli.console.desk import Desk
from clara_cli.console.pages import PART

# Seconds for which an answer is good while nothing has changed, since clocks go on; and how many are kept.
_GOOD, _MOST = 1.0, 256


@dataclass
class _Answer:
    """An answer that is being made, or was.

    Attributes:
        generation: of the news when it was asked for.
        made: set once `messages` is complete.
    """

    generation: int
    asked: float
    made: asyncio.Event = field(default_factory=asyncio.Event)
    messages: list[Message] = field(default_factory=list)
    failed: bool = False


class Sharing:
    """ASGI middleware, behind the guard. Only parts (`X-Clara-Part`) are shared, among equal sessions."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        self._answers: dict[tuple[object, ...], _Answer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        part = headers.get(PART)
        if part is None or scope["method"] != "GET" or not self._desk.news.watching:
            await self._app(scope, receive, send)
            return
        key = (scope.get("raw_path"), scope["query_string"], part, headers.get("cookie"))
        answer = self._answers.get(key)
        generation = self._desk.news.generation
        if answer is None or answer.generation != generation or time.monotonic() - answer.asked > _GOOD:
            answer = _Answer(generation, time.monotonic())
            if len(self._answers) >= _MOST:
                self._answers.clear()
            self._answers[key] = answer
            await self._make(answer, scope, receive)
        else:
            await answer.made.wait()
        if answer.failed:
            await self._app(scope, receive, send)
            return
        for message in answer.messages:
            await send({**message, "headers": list(message["headers"])} if "headers" in message else dict(message))

    async def _make(self, answer: _Answer, scope: Scope, receive: Receive) -> None:
        async def keep(message: Message) -> None:
            answer.messages.append(message)

        try:
            await self._app(scope, receive, keep)
        except BaseException:
            answer.failed = True
            raise
        finally:
            answer.made.set()
