"""Reading a log, whole or as it grows: by lines with their times, in bounded memory, whatever its size."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clara_cli.runtime.operator_log import left_out_note, read_times, times_of

_CHUNK = 1 << 18
# A longer line is shown in pieces.
LONGEST = 1 << 16


class Line(NamedTuple):
    """A line of a log, with its newline if it has one, and when it was written (seconds since 1970)."""

    when: float
    order: int
    name: str
    text: bytes


class LogStream:
    """A log from a place in it on; it need not exist yet.

    Args:
        order: its place among the logs of the job, for lines of the same time.
        begun: when whoever writes it began; the time of every line of a log without times.
    """

    def __init__(self, name: str, path: Path, order: int = 0, begun: float | None = None) -> None:
        self.name = name
        self._path = path
        self._order = order
        self._begun = begun or 0.0
        self._file: int | None = None
        self._times_file: int | None = None
        self._times: list[tuple[float, int]] = []
        self._place = 0
        self._held = b""
        self._rest = b""

    def open(self) -> bool:
        """Open the log; False as long as there is none."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                return False
            try:
                self._times_file = os.open(times_of(self._path), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                pass
        return True

    def start(self, since: float | None = None, tail: int | None = None) -> None:
        """Begin with what was written since a time, and with the last so many lines of that."""
        if not self.open():
            return
        if since is not None:
            self._place = self._since(since)
        if tail is not None:
            self._place = max(self._place, self._last_lines(tail))

    def chunks(self) -> Iterator[bytes]:
        """What there is from here on, as it was written; a note stands for what was left out."""
        if not self.open():
            return
        assert self._file is not None
        end = os.fstat(self._file).st_size
        while self._place < end:
            data = _seek(self._file, self._place, os.SEEK_DATA, end)
            if data > self._place:
                yield left_out_note(data - self._place)
                self._place = data
                continue
            hole = _seek(self._file, self._place, os.SEEK_HOLE, end)
            chunk = os.pread(self._file, min(_CHUNK, hole - self._place), self._place)
            if not chunk:
                return
            # It may have become a hole while it was read.
            if _seek(self._file, self._place, os.SEEK_DATA, end) == self._place:
                self._place += len(chunk)
                yield chunk

    def lines(self, final: bool = True) -> Iterator[Line]:
        """The lines from here on; one that is not complete only if it is `final` that nothing follows."""
        self._read_times()
        place = self._place - len(self._held)
        at = 0
        for chunk in self.chunks():
            *whole, self._held = (self._held + chunk).split(b"\n")
            for text in whole:
                at, when = self._time(at, place)
                yield from self._line(when, text + b"\n")
                place += len(text) + 1
            while len(self._held) >= LONGEST:
                at, when = self._time(at, place)
                text, self._held = self._held[:LONGEST], self._held[LONGEST:]
                yield Line(when, self._order, self.name, text)
                place += len(text)
            # A note is no part of the file.
            place = self._place - len(self._held)
        if final and self._held:
            text, self._held = self._held, b""
            yield Line(self._time(at, place)[1], self._order, self.name, text)

    def redrawn(self) -> Iterator[Line]:
        """What is held of a line that is drawn again and again (by carriage returns), as far as it is drawn."""
        drawn, back, self._held = self._held.rpartition(b"\r")
        if drawn:
            yield Line(self._time(0, self._place)[1], self._order, self.name, drawn + back)

    def close(self) -> None:
        for file in (self._file, self._times_file):
            if file is not None:
                os.close(file)
        self._file = self._times_file = None

    def _line(self, when: float, text: bytes) -> Iterator[Line]:
        for start in range(0, len(text), LONGEST):
            yield Line(when, self._order, self.name, text[start : start + LONGEST])

    def _time(self, at: int, place: int) -> tuple[int, float]:
        """The time of an offset; `at` is where in the times an earlier offset was found."""
        times = self._times
        while at + 1 < len(times) and times[at + 1][1] <= place:
            at += 1
        return at, times[at][0] if times else self._begun

    def _read_times(self) -> None:
        """Take up what was added to the times; of what is before this place only the last is needed."""
        if not self.open() or self._times_file is None:
            return
        content = self._rest
        while chunk := os.read(self._times_file, _CHUNK):
            content += chunk
        cut = content.rfind(b"\n") + 1
        self._rest = content[cut:]
        last = self._times[-1][0] if self._times else 0.0
        for when, offset in read_times(content[:cut]):
            # The clock may have been set back; the order of the lines is the file's.
            last = max(last, when)
            self._times.append((last, offset))
        passed = bisect_left(self._times, self._place - len(self._held), key=lambda item: item[1])
        del self._times[: max(0, passed - 1)]

    def _since(self, since: float) -> int:
        assert self._file is not None
        size = os.fstat(self._file).st_size
        self._read_times()
        if not self._times:
            # All that is known is when it was written last.
            return 0 if os.fstat(self._file).st_mtime >= since else size
        first = bisect_left(self._times, since, key=lambda item: item[0])
        if first == len(self._times):
            return size
        return self._line_start(self._times[first][1])

    def _line_start(self, place: int) -> int:
        """Where the line begins that is at an offset; the offset itself if that is far."""
        assert self._file is not None
        start = max(0, place - LONGEST)
        before = os.pread(self._file, place - start, start)
        return start + before.rfind(b"\n") + 1 if b"\n" in before or start == 0 else place

    def _last_lines(self, count: int) -> int:
        """Where the last so many lines begin."""
        assert self._file is not None
        size = os.fstat(self._file).st_size
        if count <= 0:
            return size
        # The newline at the very end ends the last line.
        wanted = count + (1 if size and os.pread(self._file, 1, size - 1) == b"\n" else 0)
        for start, end in reversed(list(data_parts(self._file, size))):
            place = end
            while place > start:
                begin = max(start, place - _CHUNK)
                chunk = os.pread(self._file, place - begin, begin)
                found = chunk.count(b"\n")
                if found >= wanted:
                    for _ in range(wanted):
                        chunk = chunk[: chunk.rindex(b"\n")]
                    return begin + len(chunk) + 1
                wanted -= found
                place = begin
        return 0


def data_parts(file: int, size: int, place: int = 0) -> Iterator[tuple[int, int]]:
    """The parts of a file that are no holes, from a place on."""
    while place < size and (start := _seek(file, place, os.SEEK_DATA, size)) < size:
        place = _seek(file, start, os.SEEK_HOLE, size)
        yield start, place


def _seek(file: int, place: int, what: int, size: int) -> int:
    """The next data or hole from a place on, at most `size`; a file system without holes has data everywhere."""
    try:
        return min(size, os.lseek(file, place, what))
    except OSError as error:
        return size if what == os.SEEK_HOLE or error.errno == 6 else place  # ENXIO: no data beyond
