"""What wants to know how a job goes: the database, the terminal, nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from clara_cli.runtime.usage import Usage


class Listener(Protocol):
    """What wants to know how a job goes.

    Attributes:
        interval: seconds after which `tick` is wanted while nothing happens; None for never.
    """

    @property
    def interval(self) -> float | None: ...

    def queued(self, place: int, waiting: int) -> None:
        """The job waits for its turn: which one it is of those that wait; 0 when it waits no more."""
        ...

    def began(self) -> None:
        """The job runs."""
        ...

    def operator_began(self, name: str) -> None: ...

    def operator_ended(self, name: str, completed: bool, code: int | None, used: Usage | None = None) -> None: ...

    def message(self, severity: str, text: str) -> None: ...

    def tick(self) -> None: ...


class Silent:
    """A listener for a job that nobody watches, and the base of those that care for some events only."""

    interval: float | None = None

    def queued(self, place: int, waiting: int) -> None:
        pass

    def began(self) -> None:
        pass

    def operator_began(self, name: str) -> None:
        pass

    def operator_ended(self, name: str, completed: bool, code: int | None, used: Usage | None = None) -> None:
        pass

    def message(self, severity: str, text: str) -> None:
        pass

    def tick(self) -> None:
        pass
