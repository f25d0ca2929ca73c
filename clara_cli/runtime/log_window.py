"""A part of a log at any place in it, and searching one: for whoever looks at logs of any size page by page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from clara_cli.runtime.log_stream import data_parts
from clara_cli.runtime.operator_log import left_out_note

# Bytes of one part.
LARGEST = 256 << 10
_CHUNK = 1 << 20


class LogWindow(NamedTuple):
    """A part of a log.

    Attributes:
        start, end: where it lies in the log, in bytes.
        size: of the whole log now.
        data: what was written; a note stands for what was left out.
    """

    start: int
    end: int
    size: int
    data: bytes


class LogMatch(NamedTuple):
    """A line that holds what is looked for: where it begins in the log, and its beginning."""

    offset: int
    text: bytes


def read_window(log: Path, start: int | None = None, before: int | None = None) -> LogWindow:
    """A part of a log that need not exist yet.

    Args:
        start: from there on, in whole lines as far as there are any; None for the end of the log.
        before: the part that ends there instead.
    """
    with _opened(log) as file:
        if file is None:
            return LogWindow(0, 0, 0, b"")
        size = os.fstat(file).st_size
        end = size if before is None else max(0, min(before, size))
        if start is None:
            start = _line_after(file, max(0, end - LARGEST), end)
        start = min(start, size)
        end = min(max(start, end), start + LARGEST)
        return LogWindow(start, end, size, b"".join(_read(file, start, end)))


def search_log(log: Path, text: str, most: int) -> tuple[list[LogMatch], bool]:
    """The lines that hold a text, whatever the case of its letters; and whether there are more than `most`."""
    wanted = text.encode("utf-8", "surrogateescape").lower()
    found: list[LogMatch] = []
    with _opened(log) as file:
        if file is None or not wanted:
            return found, False
        for offset, line in _lines(file):
            if wanted in line.lower():
                if len(found) == most:
                    return found, True
                found.append(LogMatch(offset, line[:500]))
    return found, False


@contextmanager
def _opened(log: Path) -> Iterator[int | None]:
    try:
        file = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        yield file
    finally:
        os.close(file)


def _read(file: int, start: int, end: int) -> Iterator[bytes]:
    place = start
    for begin, stop in data_parts(file, end, start):
        if begin > place:
            yield left_out_note(begin - place)
        yield os.pread(file, stop - begin, begin)
        place = stop


def _line_after(file: int, place: int, end: int) -> int:
    """Where the first whole line from a place on begins; the place itself where none does, or nothing was kept."""
    if place == 0 or next(data_parts(file, end, place), (end, end))[0] > place:
        return place
    at = os.pread(file, end - place, place).find(b"\n")
    return place + at + 1 if at >= 0 else place


def _lines(file: int) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of the whole log; a line without end comes in pieces."""
    held, place = b"", 0
    for begin, stop in data_parts(file, os.fstat(file).st_size):
        if begin > place + len(held):  # what lay between was left out
            held, place = b"", begin
        at = begin
        while at < stop:
            chunk = os.pread(file, min(_CHUNK, stop - at), at)
            if not chunk:
                return
            at += len(chunk)
            *whole, held = (held + chunk).split(b"\n")
            for line in whole:
                yield place, line
                place += len(line) + 1
            if len(held) >= _CHUNK:
                yield place, held
                place, held = place + len(held), b""
    if held:
        yield place, held
