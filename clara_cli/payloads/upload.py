"""Upload: what `-f` names becomes files of a payload, whole or not at all. Links are followed, as users expect."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from clara_cli.errors import ClaraError, PayloadError
from clara_cli.filecopy import NotRegular, SourceChanged, copy_file, ignored, kind_of
from clara_cli.filecopy_ways import Copied
from clara_cli.payloads.names import show_name
from clara_cli.payloads.staging import staged
from clara_cli.payloads.walk import within
from clara_cli.root import Root

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Meter(Protocol):
    """Whoever shows how far a transfer is."""

    def expect(self, size: int) -> None:
        """So many bytes more are to come."""

    def advance(self, size: int) -> None:
        """So many bytes were copied."""


@contextmanager
def staged_payload(
    root: Root, payload_id: str, source: Path | None, meter: Meter | None = None
) -> Iterator[tuple[Path, int]]:
    """Make a job's payload aside, with a copy of `source` as its input.

    Yields:
        the aside folder and the number of files copied. The caller renames the folder into place inside the
        block; what still lies aside at its end is removed.

    Raises:
        PayloadError: a source that is missing or unreadable, a full disk.
    """
    if source is not None:
        check_source(root, source)
    with staged(root.payloads, payload_id) as aside:
        (aside / "input").mkdir()
        (aside / "operators").mkdir()
        yield aside, fill(aside / "input", source, meter) if source else 0


def check_source(root: Root, source: Path) -> None:
    """Raise PayloadError when an upload would contain itself."""
    if within(os.path.realpath(root.payloads), os.path.realpath(source)):
        raise PayloadError(f"{source} holds the payloads of clara itself ({root.payloads}): it cannot be uploaded")


def fill(target: Path, source: Path, meter: Meter | None = None) -> int:
    """Copy a file, or the children of a folder, into an existing folder; returns the number of files.

    Raises:
        PayloadError: something is missing, unreadable or no file; the disk is full; a name is there already.
    """
    if meter is not None:
        meter.expect(sum(size for _, _, size in sources(source) if size))
    copied = meter.advance if meter is not None else ignored
    count = 0
    for path, name, size in sources(source):
        place = os.path.join(target, name)  # noqa: PTH118
        if size is None:
            Path(place).mkdir(exist_ok=True)
        else:
            _copy(path, place, copied)
            count += 1
    return count


def _copy(path: str, place: str, copied: Copied) -> None:
    try:
        copy_file(path, place, copied)
    except OSError as error:
        raise explained(error, path, place) from error


def sources(source: Path) -> Iterator[tuple[str, str, int | None]]:
    """(path, name in the payload, size) of what is to be copied; folders come first and have no size.

    The folders still to do are a list, because a tree may be very deep.
    """
    try:
        info = source.stat()
        if not stat.S_ISDIR(info.st_mode):
            if not stat.S_ISREG(info.st_mode):
                raise NotRegular(str(source), kind_of(info.st_mode))
            yield str(source), source.name, info.st_size
            return
        todo: list[tuple[str, str, tuple[tuple[int, int], ...]]] = [(str(source), "", ())]
        while todo:
            folder, name, above = todo.pop()
            info = os.stat(folder)  # noqa: PTH116
            here = (info.st_dev, info.st_ino)
            if here in above:
                raise PayloadError(f"{show_name(folder)} is a link to a folder that contains it: it cannot be uploaded")
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            for entry in entries:
                below = f"{name}/{entry.name}" if name else entry.name
                status = entry.stat()
                if stat.S_ISDIR(status.st_mode):
                    yield entry.path, below, None
                    todo.append((entry.path, below, (*above, here)))
                elif stat.S_ISREG(status.st_mode):
                    yield entry.path, below, status.st_size
                else:
                    raise NotRegular(entry.path, kind_of(status.st_mode))
    except OSError as error:
        raise explained(error, str(source)) from error


def explained(error: OSError, source: str, place: str | None = None) -> ClaraError:
    """What stopped an upload, in words; nothing of it is kept."""
    path = error.filename if isinstance(error.filename, str) else source
    shown, hint = show_name(path), None
    if isinstance(error, NotRegular):
        text = f"{shown} is {error.kind}: only files and folders can be uploaded"
    elif isinstance(error, SourceChanged):
        text, hint = f"{shown} changed while it was uploaded; nothing was kept", "try again when it is complete"
    elif error.errno in _FULL and place is not None:
        folder = Path(place).parent
        room = os.statvfs(folder)
        text = (
            f"no room for {show_name(source)}: {os.strerror(error.errno or 0)} "
            f"({room.f_bavail * room.f_frsize} bytes are free below {show_name(str(folder))}); nothing was kept"
        )
        hint = "clara clean removes payloads of ended jobs; CLARA_ROOT names a root on another disk"
    elif isinstance(error, FileExistsError):
        text = f"there are two files {show_name(place or path)}; nothing was kept"
    elif isinstance(error, FileNotFoundError):
        dangling = Path(path).is_symlink()
        text = f"{shown} is a link to a file that does not exist" if dangling else f"no file or folder {shown}"
    elif isinstance(error, PermissionError):
        text = f"cannot read {shown}: permission denied"
    else:
        text = f"cannot upload {shown}: {error.strerror}; nothing was kept"
    return PayloadError(text, hint)
