"""What the parts of the service share: asking this machine's site, in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from clara_cli.database import Database
from clara_cli.server.platform import Platform
from clara_cli.server.wire.common_pb2 import ResponseHeader
from clara_cli.site.local import LocalSite

Result = TypeVar("Result")
Item = TypeVar("Item")

# Records in one message, which clients receive up to 4 MiB.
_MANY = 1000


class Asking:
    """The beginning of a service."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def _ask(self, question: Callable[[LocalSite], Result]) -> Result:
        """What the site answers at once."""
        return await self._platform.quick.call(self._asked, question)

    async def _ask_long(self, question: Callable[[LocalSite], Result], *, fast_io: bool = False) -> Result:
        """What the site answers after a while."""
        return await self._platform.slow.call(self._asked, question, fast_io=fast_io)

    def _asked(self, database: Database, question: Callable[[LocalSite], Result], *, fast_io: bool = False) -> Result:
        config = self._platform.config
        if fast_io:
            config = config._replace(fast_io=True)
        return question(LocalSite(database, config, self._platform.config_file))


def header() -> ResponseHeader:
    """The header of an answer without an error."""
    return ResponseHeader()


def parts(items: Sequence[Item], size: int = _MANY) -> Iterator[Sequence[Item]]:
    """A list in pieces; an empty one is one piece."""
    for start in range(0, max(len(items), 1), size):
        yield items[start : start + size]
