"""News for open pages, as server-sent events: which topics have changed. The page then asks for what it shows."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from clara_cli.console.desk import Desk, desk_of

router = APIRouter(include_in_schema=False)
# Seconds after which a quiet connection gets a sign of life, and milliseconds until a page comes back.
_ALIVE, _RETRY = 15.0, 700
_MOST_TOPICS = 16


@router.get("/events")
async def events(desk: Annotated[Desk, Depends(desk_of)], topic: Annotated[list[str], Query()]) -> StreamingResponse:
    """A stream that lasts as long as the page, or the console."""
    return StreamingResponse(
        _stream(desk, topic[:_MOST_TOPICS]),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _stream(desk: Desk, topics: list[str]) -> AsyncIterator[str]:
    async with desk.news.subscribed(topics) as subscription:
        # What has changed before this moment nobody will tell: the page looks once.
        yield f"retry: {_RETRY}\nevent: hello\ndata: {{}}\n\n"
        while not desk.news.ended:
            found = await subscription.next(_ALIVE)
            if found:
                yield f"event: news\ndata: {json.dumps({'topics': sorted(found), 'at': time.time()})}\n\n"
            else:
                yield ": alive\n\n"
