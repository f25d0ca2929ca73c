"""The log of one operator or service: bounded on disk, with the times at which it grew.

    logs/<name>.log      what it wrote
    logs/<name>.times    lines of `seconds offset`: from that offset on the log was written at that time or later

A log that outgrows its limit keeps its beginning and its end. While it grows the blocks in between are given back to
the disk (a hole, so that offsets stay what they are); when it is closed a note takes the place of the hole.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from clara_cli.filename import file_name

# Bytes kept of one log where the configuration does not say.
LIMIT = 256 << 20
_BLOCK = 4096
# What is kept of the end where the file system cannot make holes.
_HELD = 64 << 10
# fallocate(2): make a hole, and leave the size.
_PUNCH_HOLE = 0x02 | 0x01
# Times are kept as exactly as this part of the log's age, so that a log of days has some ten thousand of them.
_PARTS = 5000


def times_of(log: Path) -> Path:
    """Where the times of a log are kept."""
    return log.with_name(file_name(log.stem, ".times"))


def left_out_note(count: int) -> bytes:
    """What stands in place of the middle of a log."""
    return f"\n[clara: {count} bytes of this log were left out here; its beginning and its end are kept]\n".encode()


class OperatorLog:
    """A log that is being written.

    Attributes:
        left_out: bytes of its middle that were not kept.
        lost: bytes that the disk did not take.
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        """Raises OSError when it cannot be made."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._path = path
        self._file = os.open(path, flags, 0o644)
        try:
            self._times = os.open(times_of(path), flags, 0o644)
        except OSError:
            os.close(self._file)
            raise
        self._limit = limit
        self._head = limit // 2 // _BLOCK * _BLOCK
        self._size = self._written = os.fstat(self._file).st_size
        self._cut = self._head
        self._held: bytearray | None = None
        self._begun = time.monotonic()
        self._noted = float("-inf")
        self.left_out = 0
        self.lost = 0

    def write(self, chunk: bytes) -> None:
        """Append; a full disk is counted and never raised."""
        if self._held is not None:
            self._hold(chunk)
            return
        self._note_time()
        view = memoryview(chunk)
        try:
            while view:
                count = os.write(self._file, view)
                self._size += count
                view = view[count:]
        except OSError:
            self.lost += len(view)
        self._bound()

    def close(self) -> None:
        """Close it, with a note in place of what was left out."""
        try:
            if self._held:
                self.left_out -= len(self._held)
                with suppress(OSError):
                    os.write(self._file, left_out_note(self.left_out) + self._held)
            elif self._cut > self._head:
                # Where this fails the hole stays, and readers show a note in its place.
                with suppress(OSError):
                    self._join()
        finally:
            os.close(self._file)
            os.close(self._times)

    def remarks(self) -> list[str]:
        """What whoever runs the job should know of it."""
        told = []
        if self.left_out:
            limit = self._limit >> 20
            told.append(
                f"{self._path.name} grew beyond {limit} MiB: {self.left_out} bytes of its middle were left out "
                "(log_limit in the configuration)"
            )
        if self.lost:
            told.append(f"{self._path.name} lacks {self.lost} bytes that could not be written: is the disk full?")
        return told

    def _note_time(self) -> None:
        now = time.monotonic()
        if now - self._noted >= (now - self._begun) / _PARTS:
            self._noted = now
            with suppress(OSError):
                os.write(self._times, b"%.3f %d\n" % (time.time(), self._size))

    def _bound(self) -> None:
        """Give back the blocks between the beginning and the end, some at a time."""
        end = (self._size - (self._limit - self._head)) // _BLOCK * _BLOCK
        if end - self._cut < max(_BLOCK, self._limit // 8):
            return
        if _punch(self._file, self._cut, end - self._cut):
            self._cut = end
            self.left_out = end - self._head
        else:
            self._held = bytearray()

    def _hold(self, chunk: bytes) -> None:
        """Without holes nothing more is written: only the last of it is kept, in memory, for the end."""
        assert self._held is not None
        self._held += chunk
        self.left_out += len(chunk)
        del self._held[:-_HELD]

    def _join(self) -> None:
        """Put beginning, note and end into a file of its own, and that in place of the log."""
        note = left_out_note(self.left_out)
        beside = self._path.with_name(file_name(self._path.name, ".part"))
        try:
            with self._path.open("rb") as reader, beside.open("wb", buffering=0) as writer:
                _copy(reader.fileno(), writer.fileno(), 0, self._head)
                writer.write(note)
                _copy(reader.fileno(), writer.fileno(), self._cut, self._size)
            times = self._moved_times(self._cut - self._head - len(note))
            beside.replace(self._path)
        finally:
            beside.unlink(missing_ok=True)
        moved = times_of(beside)
        moved.write_text(times)
        moved.replace(times_of(self._path))

    def _moved_times(self, by: int) -> str:
        """The times with the offsets of the joined log."""
        lines, last = [], None
        for when, offset in read_times(times_of(self._path).read_bytes()):
            if offset < self._head:
                lines.append(f"{when:.3f} {offset}")
            elif offset < self._cut:
                last = when
            else:
                lines += [f"{last:.3f} {self._cut - by}"] if last is not None else []
                lines.append(f"{when:.3f} {offset - by}")
                last = None
        return "".join(f"{line}\n" for line in lines)


def read_times(content: bytes) -> list[tuple[float, int]]:
    """(seconds since 1970, offset) of each whole line; what is no such line is passed over."""
    found: list[tuple[float, int]] = []
    for line in content.split(b"\n")[:-1]:
        with suppress(ValueError):
            when, offset = line.split()
            found.append((float(when), int(offset)))
    return found


def _punch(file: int, start: int, length: int) -> bool:
    """Make a hole; False where the file system has none."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    fallocate = getattr(libc, "fallocate64", None) or libc.fallocate
    result: int = fallocate(file, _PUNCH_HOLE, ctypes.c_int64(start), ctypes.c_int64(length))
    return result == 0


def _copy(reader: int, writer: int, start: int, end: int) -> None:
    while start < end:
        count = os.sendfile(writer, reader, start, end - start)
        if count == 0:
            return
        start += count
