"""What the driver needs from whoever runs the operator: a job's runner, or nobody."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Callable, Dict, List, NamedTuple


class Reply(NamedTuple):
    """An answer; its descriptors belong to the caller."""

    fields: Dict[str, Any]
    descriptors: List[int]


class Link(ABC):
    """Answers the requests of the job socket's table (`hello`, `wait`, `shape`, `create`, …)."""

    @abstractmethod
    def request(self, op: str, **fields: Any) -> Reply:
        """Ask and wait for the answer.

        Raises
        ------
        clara.Error
            The request was refused, or nobody is there any more (`RunnerGone`).
        """

    @abstractmethod
    def post(self, op: str, **fields: Any) -> None:
        """A request whose answer does not matter; may be sent a little later.

        Needed where Python deletes objects: that can happen in the middle of another request.
        """

    @abstractmethod
    def watch(self, gone: Callable[[], None]) -> None:
        """Call `gone`, a method of an object that is still there then, on a thread of its own when the other side
        disappears.
        """

    @abstractmethod
    def gone(self) -> bool:
        """Whether the other side has disappeared."""

    @abstractmethod
    def interrupt(self) -> None:
        """Make a request that is under way on another thread fail at once."""

    @abstractmethod
    def close(self) -> None:
        """Say good-bye; further requests fail."""
