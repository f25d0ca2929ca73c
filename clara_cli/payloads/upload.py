"""Upload: what `-f` names becomes a payload's input, whole or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clara_cli.errors import PayloadError
from clara_cli.filecopy import copy_file
from clara_cli.root import Root

_STAGING = ".incoming-"


@contextmanager
def staged_payload(root: Root, payload_id: str, source: Path | None) -> Iterator[tuple[Path, int]]:
    """Make the payload's folder aside, with a copy of `source` as its input.

    Yields:
        the aside folder and the number of files copied. The caller renames the folder into place inside the
        block; what still lies aside at its end is removed.

    Raises:
        PayloadError: a source that is missing or unreadable, a full disk.
    """
    if source is not None and root.payloads.resolve().is_relative_to(source.resolve()):
        raise PayloadError(f"{source} holds the payloads of clara itself ({root.payloads}): it cannot be uploaded")
    sweep(root)
    aside = root.payloads / f"{_STAGING}{payload_id}"
    try:
        # While the parent is locked nobody sweeps, so the new folder gets its own lock before it is looked at.
        with _locked(root.payloads):
            (aside / "input").mkdir(parents=True)
            (aside / "operators").mkdir()
            lock = _lock(aside)
    except OSError as error:
        raise PayloadError(f"cannot make the payload folder {aside}: {error.strerror}") from error
    # The lock tells other processes that the folder is being filled, and ends with this process.
    try:
        yield aside, _fill(aside / "input", source) if source else 0
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        os.close(lock)


def sweep(root: Root) -> None:
    """Remove what uploads of processes that no longer live left aside."""
    with suppress(OSError), _locked(root.payloads):
        for aside in root.payloads.glob(f"{_STAGING}*"):
            with suppress(OSError), _locked(aside, fcntl.LOCK_NB):
                shutil.rmtree(aside, ignore_errors=True)


def _lock(folder: Path, how: int = 0) -> int:
    """A descriptor that holds the lock of a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[None]:
    descriptor = _lock(folder, how)
    try:
        yield
    finally:
        os.close(descriptor)


def _fill(target: Path, source: Path) -> int:
    """Copy a file, or the children of a folder; links are followed. Returns the number of files."""
    try:
        if source.is_dir():
            return _copy_folder(source, target)
        _copy_one(source, target / source.name)
        return 1
    except OSError as error:
        raise _translated(error, source) from error


def _copy_folder(top: Path, target: Path) -> int:
    """Copy what a folder holds; the folders still to do are a list, because a tree may be very deep."""
    count = 0
    todo: list[tuple[Path, Path, tuple[tuple[int, int], ...]]] = [(top, target, ())]
    while todo:
        source, destination, above = todo.pop()
        info = source.stat()
        here = (info.st_dev, info.st_ino)
        if here in above:
            raise PayloadError(f"{source} is a link to a folder that contains it: it cannot be uploaded")
        for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
            if entry.is_dir():
                (destination / entry.name).mkdir()
                todo.append((Path(entry.path), destination / entry.name, (*above, here)))
            else:
                _copy_one(Path(entry.path), destination / entry.name)
                count += 1
    return count


def _copy_one(source: Path, target: Path) -> None:
    mode = source.stat().st_mode
    if not stat.S_ISREG(mode):
        raise PayloadError(f"{source} is neither a file nor a folder: it cannot be uploaded")
    copy_file(source, target)


def _translated(error: OSError, source: Path) -> PayloadError:
    place = error.filename or source
    if isinstance(error, FileNotFoundError):
        if Path(place).is_symlink():
            return PayloadError(f"{place} is a link to a file that does not exist")
        return PayloadError(f"no file or folder {place}")
    if isinstance(error, PermissionError):
        return PayloadError(f"cannot read {place}: permission denied")
    return PayloadError(f"cannot upload {place}: {error.strerror}; nothing was kept")
