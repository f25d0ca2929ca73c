"""What is drawn on stderr while a job runs: a live line per operator on a terminal, else only warnings."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clara_cli.commands.base import notice, warn
from clara_cli.runtime.listener import Listener, Silent
from clara_cli.runtime.usage import Usage

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_MARKS = {
    "pending": ("·", "dim"),
    "running": ("▶", "cyan"),
    "completed": ("✔", "green"),
    "failed": ("✘", "red"),
}
# What is said of a job while it runs; errors are explained at its end.
_SAID = {"warning": ("Warning", "yellow"), "notice": ("Notice", "none")}


def _on_terminal() -> bool:
    # A program that was started without stderr has none.
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def lines(names: list[str]) -> Iterator[Listener]:
    """A listener with a live line for each of `names`, where there is a terminal."""
    if not _on_terminal():
        yield Plain()
        return
    from rich.console import Console
    from rich.live import Live

    lines = Lines(names)
    # Refreshed by the runner's own loop: no thread of its own.
    with Live(
        lines.draw(), console=Console(stderr=True), auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    ) as live:
        lines.live = live
        yield lines
        lines.tick()


@contextmanager
def environment_progress() -> Iterator[Callable[[str], None]]:
    """Shows how an environment is made, if one is: the last line of its tools on a terminal, else that it is made."""
    shown = Steps()
    try:
        yield shown
    finally:
        shown.close()


class Steps:
    """The steps of something that takes its time; nothing is drawn before the first."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._title = ""

    def __call__(self, line: str) -> None:
        begins = line.startswith("making ")
        if not _on_terminal():
            if begins:
                notice(f"Notice: {line}; this is done once and can take minutes")
            return
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        if self._live is None:
            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self._live.start()
        if begins:
            self._title = line
        text = Text(self._title, "cyan", overflow="ellipsis", no_wrap=True)
        text.append(f"\n  {'' if begins else line}", "dim")
        self._live.update(text, refresh=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()


class Plain(Silent):
    """Prints warnings and notices, and once that the job waits; errors are explained at the end."""

    def __init__(self) -> None:
        self._told = False

    def queued(self, place: int, waiting: int) -> None:
        if place and not self._told:
            notice(f"Notice: {_place(place, waiting)}")
            self._told = True

    def message(self, severity: str, text: str) -> None:
        if severity == "warning":
            warn(text)
        elif severity == "notice":
            notice(f"Notice: {text}")


def _place(place: int, waiting: int) -> str:
    return f"the job waits for its turn: {place} of {waiting} in the queue"


class Lines:
    """One line per operator: its mark, its name, how long it has been running."""

    interval: float | None = 0.2

    def __init__(self, names: list[str]) -> None:
        self.live: Live | None = None
        self._queued = ""
        self._states = dict.fromkeys(names, "pending")
        self._began: dict[str, float] = {}
        self._took: dict[str, float] = {}

    def queued(self, place: int, waiting: int) -> None:
        self._queued = _place(place, waiting) if place else ""
        self.tick()

    def began(self) -> None:
        pass

    def operator_began(self, name: str) -> None:
        self._states[name] = "running"
        self._began[name] = time.monotonic()

    def operator_ended(self, name: str, completed: bool, code: int | None, used: Usage | None = None) -> None:
        self._states[name] = "completed" if completed else "failed"
        now = time.monotonic()
        self._took[name] = now - self._began.get(name, now)

    def took(self, name: str, seconds: float) -> None:
        """How long something took that was heard of late."""
        self._took[name] = seconds

    def message(self, severity: str, text: str) -> None:
        if severity in _SAID and self.live is not None:
            word, style = _SAID[severity]
            self.live.console.print(f"{word}: {text}", style=style, markup=False, highlight=False)

    def tick(self) -> None:
        try:
            if self.live is not None:
                self.live.update(self.draw(), refresh=True)
        except OSError:
            self.live = None  # the terminal is gone; the job goes on

    def draw(self) -> RenderableType:
        """The lines as they are now; where they are more than the terminal has, only what runs or failed."""
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, justify="right")
        if self._queued:
            return Text(self._queued, "dim")
        names = list(self._states)
        if self.live is not None and len(names) > self.live.console.height - 2:
            names = [name for name, state in self._states.items() if state in ("running", "failed")]
            counts = Counter(self._states.values())
            grid.add_row("", f"{counts['completed']} completed, {counts['pending']} pending", "", "")
        for name in names:
            state = self._states[name]
            mark, style = _MARKS[state]
            grid.add_row(Text(mark, style), Text(name, style), Text(state, style), Text(self._time(name), "dim"))
        return grid

    def _time(self, name: str) -> str:
        seconds = self._took.get(name)
        if seconds is None and self._states[name] == "running":
            seconds = time.monotonic() - self._began[name]
        return "" if seconds is None else f"{seconds:.1f} s"
