"""What commands that move files share: `--metadata`, a progress bar, the question before something is deleted."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clara_cli.commands.global_flags import notice
from clara_cli.errors import UsageError
from clara_cli.metadata import parse_metadata

if TYPE_CHECKING:
    from rich.progress import Progress

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

# Seconds: what is over sooner needs no bar; a bar is drawn this often.
_PATIENCE = 1.0
_INTERVAL = 0.2

metadata_option = click.option(
    "--metadata",
    multiple=True,
    metavar="KEY=VALUE",
    callback=lambda _, __, words: parse_metadata(words),
    help="Metadata to keep with it (repeatable).",
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


class Bar:
    """Bytes, rate and time left on stderr, once it takes longer than a second."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._total = self._done = 0
        self._began = self._drawn = time.monotonic()
        self._progress: Progress | None = None

    def expect(self, size: int) -> None:
        self._total += size

    def advance(self, size: int) -> None:
        self._done += size
        now = time.monotonic()
        if now - self._began > _PATIENCE and now - self._drawn > _INTERVAL:
            self._drawn = now
            self._draw()

    def _draw(self) -> None:
        if self._progress is None:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )

            columns = (BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(), TimeRemainingColumn())
            console = Console(stderr=True)
            self._progress = Progress(
                *(TextColumn("{task.description}"), *columns),
                console=console,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._progress.start()
            self._progress.add_task(self._label)
        self._progress.update(self._progress.task_ids[0], completed=self._done, total=self._total, refresh=True)

    def close(self) -> None:
        if self._progress is not None:
            self._draw()
            self._progress.stop()


@contextmanager
def transfer_meter(label: str) -> Iterator[Bar | None]:
    """A progress bar for a transfer; None where stderr is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    bar = Bar(label)
    try:
        yield bar
    finally:
        bar.close()


def confirm(question: str, yes: bool) -> None:
    """Ask on a terminal; without one, and with `--yes`, go on. A no ends the command with 1."""
    if yes or not on_terminal() or click.confirm(question, err=True):
        return
    notice("Nothing was deleted.")
    raise click.exceptions.Exit(1)


def on_terminal() -> bool:
    """Whether somebody can be asked."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty())


def subjects(context: click.Context, flag: str | None, kind: str, short: str) -> list[str]:
    """The ids that are meant: the flag's, and the words after the command; `$(…)` may give several in one word."""
    words = " ".join([*([flag] if flag else []), *context.args]).split()
    if not words:
        raise UsageError(f"say which {kind}: clara {context.command_path.split(' ', 1)[1]} {short}")
    return words
