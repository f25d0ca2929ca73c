"""The display of `clara run --each`: one bar on a terminal, else a line for each volume that failed."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING

import click

from clara_cli.commands.base import notice
from clara_cli.jobs.each_run import Outcome
from clara_cli.payloads.names import show_name

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_INTERVAL = 0.2
# Lines of one reason; what fails in the same way after that is in the table only.
_MOST = 10


class EachProgress:
    """How far all volumes are; a context manager that ends the display."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._failed = self._cancelled = self._done = 0
        self._said: Counter[str] = Counter()
        self._drawn = 0.0
        self._latest = (0, 0)
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> EachProgress:
        if sys.stderr is not None and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            self._progress = Progress(
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._progress.add_task("", total=self._total)
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._progress is not None:
            self._drawn = 0.0
            self.draw(*self._latest)
            self._progress.stop()

    def ended(self, outcome: Outcome) -> None:
        """A volume has its outcome; what failed is said at once."""
        self._done += 1
        if outcome.reason is None:
            return
        self._failed += outcome.failed
        self._cancelled += outcome.cancelled
        self._said[outcome.reason] += 1
        if self._said[outcome.reason] > _MOST:
            return
        job = f" (job {outcome.job_id})" if outcome.job_id else ""
        text = f"{show_name(outcome.volume.name)}: {outcome.reason}{job}"
        if self._said[outcome.reason] == _MOST:
            text += "; of further volumes this is in the table only"
        if self._progress is not None:
            self._progress.console.print(f"Error: {text}", style="red", markup=False, highlight=False)
        else:
            click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
            notice(text)

    def draw(self, running: int, waiting: int) -> None:
        """Show the numbers as they are now."""
        self._latest = (running, waiting)
        now = time.monotonic()
        if self._progress is None or self._task is None or now - self._drawn < _INTERVAL:
            return
        self._drawn = now
        cancelled = f", {self._cancelled} cancelled" if self._cancelled else ""
        text = f"{running} running, {waiting} waiting, {self._failed} failed{cancelled}"
        self._progress.update(self._task, completed=self._done, description=text, refresh=True)
