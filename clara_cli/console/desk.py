"""What the routes of the console share: the root, the configuration, threads, secrets, news."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from fastapi import Request

from clara_cli.config import Config
from clara_cli.console.news import News
from clara_cli.console.options import Options
from clara_cli.console.sessions import Sessions
from clara_cli.database import Database
from clara_cli.errors import StoreError
from clara_cli.root import Root
from clara_cli.server.workers import Workers

_QUICK, _SLOW = 8, 16
Given = ParamSpec("Given")
Result = TypeVar("Result")


class Desk:
    """The console's own things; a route gets it by `Depends(desk_of)` or `desk_of(request)`.

    Attributes:
        quick: threads for what is done at once, each with a connection to the database.
        slow: threads for what takes long, such as starting jobs and reading volumes.
        news: tells what has changed.
        sessions: who is signed in.
    """

    def __init__(
        self,
        root: Root,
        config: Config,
        config_file: str | None,
        options: Options,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self.root = root
        self.config = config
        self.config_file = config_file
        self.options = options
        self.ready = ready
        self.quick = Workers(root, _QUICK, "quick")
        self.slow = Workers(root, _SLOW, "slow")
        self.news = News(root)
        self.sessions = Sessions(_secret(root.console), options.token())

    async def call(
        self, function: Callable[Concatenate[Database, Given], Result], *args: Given.args, **named: Given.kwargs
    ) -> Result:
        """`function(database, …)` in a thread for what is done at once."""
        return await self.quick.call(function, *args, **named)

    def end(self) -> None:
        """Whoever waits for news is told that there will be none."""
        self.news.end()

    def close(self) -> None:
        self.news.close()
        for workers in (self.quick, self.slow):
            workers.close()


def desk_of(request: Request) -> Desk:
    """The desk of the console that got a request."""
    desk: Desk = request.app.state.desk
    return desk


def _secret(folder: Path) -> bytes:
    """What signs cookies: kept, so that pages stay signed in when the console is started anew."""
    path = folder / "secret"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(handle, "wb") as file:
            secret = os.urandom(32)
            file.write(secret)
        return secret
    except OSError as error:
        raise StoreError(f"cannot use {path}: {error.strerror}") from error
