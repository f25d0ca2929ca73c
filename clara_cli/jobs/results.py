"""What the operators of a job leave to whoever ran it: their folders, below one folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from clara_cli.errors import NotFound, PayloadError
from clara_cli.jobs.actions import JobView
from clara_cli.payloads.download import Selection, select
from clara_cli.payloads.pattern import Pattern


def check_target(folder: Path) -> None:
    """Make the folder for results, before anything takes its time.

    Raises:
        PayloadError: it is a file, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise PayloadError(f"{folder} is a file: expected a folder for the results") from None
    except OSError as error:
        raise PayloadError(f"cannot make the folder for the results {folder}: {error.strerror}") from error


def results(view: JobView, names: Iterable[str]) -> Iterator[tuple[str, Selection | None]]:
    """What each of these operators left; None for nothing."""
    for name in names:
        try:
            yield name, select(view.tree, Pattern(("operators", name), (), folder=True))
        except NotFound:
            yield name, None
