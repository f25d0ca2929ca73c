"""What a job that runs on another machine writes about itself: a line of JSON for each event, in its own folder.

SQLite's locks are not safe on the file systems that machines share, so nothing but this file is written there. Who
makes it is the only one who may run the job: it is made once (`O_EXCL`, which holds on NFS too), also by whoever finds
that nobody will run the job any more. A line is written whole and closed, so that others see it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clara_cli.errors import RuntimeFailure
from clara_cli.jobs.clock import Clock
from clara_cli.runtime.listener import Silent
from clara_cli.runtime.plan import JobResult, OperatorFailure
from clara_cli.runtime.usage import Usage

# Seconds since 1970 that no date can show.
_END_OF_TIME = 1e11
# The events.
BEGAN, OPERATOR_BEGAN, OPERATOR_ENDED, MESSAGE, ENDED, LOST = (
    *("began", "operator_began", "operator_ended"),
    *("message", "ended", "lost"),
)


def journal_of(folder: Path) -> Path:
    """The journal in a job's folder."""
    return folder / "journal"


def open_journal(folder: Path) -> bool:
    """Make a job's journal; False when it is there already: the job was begun, or given up."""
    try:
        os.close(os.open(journal_of(folder), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
    except FileExistsError:
        return False
    except OSError as error:
        raise RuntimeFailure(f"cannot write the journal {journal_of(folder)}: {error.strerror}") from error
    return True


@dataclass(frozen=True)
class Entry:
    """One line: what happened when (seconds since 1970, UTC), with its own values."""

    event: str
    at: float
    values: Mapping[str, Any]


class Journal:
    """Writes to a journal that `open_journal` made."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = journal_of(folder)
        self._clock = clock

    def write(self, event: str, **values: object) -> None:
        """Append one event.

        Raises:
            RuntimeFailure: the line cannot be written whole.
        """
        line = json.dumps({"event": event, "at": round(self._clock.now(), 6), **values}).encode() + b"\n"
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                if _is_cut(handle):
                    line = b"\n" + line
                written = os.write(handle, line)
            finally:
                os.close(handle)
        except OSError as error:
            raise RuntimeFailure(f"cannot write the journal {self._path}: {error.strerror}") from error
        if written < len(line):
            raise RuntimeFailure(f"cannot write the journal {self._path}: the disk took a part of a line only")

    def end(self, result: JobResult, signalled: bool) -> None:
        """The last event.

        Args:
            signalled: the end was asked for by a signal, of which only Slurm knows the reason.
        """
        failures = [{**item._asdict(), "log": str(item.log)} for item in result.failures]
        killed = any(item.code is not None and item.code < 0 for item in result.failures)
        self.write(
            ENDED,
            stopped=result.stopped,
            failures=failures,
            terminated=result.terminated,
            doubtful=signalled or killed,
        )


def _is_cut(handle: int) -> bool:
    """Whether the last line has no end: its writer died in the middle of it."""
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"


class Recorder(Silent):
    """Writes what happens to a running job into its journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def operator_began(self, name: str) -> None:
        self._journal.write(OPERATOR_BEGAN, operator=name)

    def operator_ended(self, name: str, completed: bool, code: int | None, used: Usage | None = None) -> None:
        took = None if used is None else list(used)
        self._journal.write(OPERATOR_ENDED, operator=name, completed=completed, code=code, used=took)

    def message(self, severity: str, text: str) -> None:
        # It may quote the name of a file, which may be any bytes.
        self._journal.write(MESSAGE, severity=severity, text=text.encode("utf-8", "backslashreplace").decode())


def size_of(folder: Path) -> int:
    """Bytes of a job's journal; 0 where there is none. It is opened for that: NFS answers anew only then."""
    try:
        handle = os.open(journal_of(folder), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return os.fstat(handle).st_size
    finally:
        os.close(handle)


def entries(folder: Path, offset: int = 0) -> Iterator[tuple[Entry, int]]:
    """The whole lines from an offset on, each with the offset behind it.

    A line without an end is not there yet; one that is no event was cut, and is passed over.
    """
    try:
        with journal_of(folder).open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
                    yield _entry(json.loads(line)), offset
    except FileNotFoundError:
        return
    except OSError as error:
        raise RuntimeFailure(f"cannot read the journal {journal_of(folder)}: {error.strerror}") from error


def _entry(values: dict[str, Any]) -> Entry:
    event, at = values.pop("event"), float(values.pop("at"))
    if not isinstance(event, str) or not 0 <= at < _END_OF_TIME:
        raise ValueError(event)
    return Entry(event, at, values)


def result_of(entry: Entry) -> JobResult:
    """What the last event says."""
    failures = tuple(OperatorFailure(**{**item, "log": Path(item["log"])}) for item in entry.values["failures"])
    return JobResult(entry.values["stopped"], failures, entry.values["terminated"])


def last_result(folder: Path) -> JobResult | None:
    """How a job's runner said that it ended; None where it did not."""
    for entry, _ in entries(folder):
        if entry.event == ENDED:
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                return result_of(entry)
    return None
