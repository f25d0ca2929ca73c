"""Folders that appear whole or not at all: filled aside, renamed into place together with their record.

    .incoming-<id>        being filled
    .incoming-<id>.lock   locked for as long as the process lives that fills it; removed last

A mark (the lock file) without a living owner says that its folder is to be swept, and so is a folder of that id which
is in place but in no record: its owner was killed before the commit that makes it.
Folders without a mark are nobody's to remove.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clara_cli.database import Database
from clara_cli.errors import PayloadError
from clara_cli.payloads.removal import remove_tree

_PREFIX = ".incoming-"
_LOCK = ".lock"


@contextmanager
def staged(parent: Path, name: str) -> Iterator[Path]:
    """A new folder aside, to be renamed to `parent / name` inside the block; what is still aside then is removed.

    Raises:
        PayloadError: it cannot be made.
    """
    mark, aside = _mark(parent, name), parent / f"{_PREFIX}{name}"
    try:
        lock = _take(mark, wait=True)
        assert lock is not None
    except OSError as error:
        raise PayloadError(f"cannot write in {parent}: {error.strerror}") from error
    keep = False
    try:
        try:
            aside.mkdir()
        except OSError as error:
            raise PayloadError(f"cannot make the folder {aside}: {error.strerror}") from error
        yield aside
    except BaseException:
        # In place, but perhaps not recorded: with its mark left the next sweep sees which.
        keep = (parent / name).exists()
        raise
    finally:
        remove_tree(aside)
        if not keep:
            mark.unlink(missing_ok=True)
        os.close(lock)


def put_in_place(aside: Path, place: Path) -> None:
    """The last step of making a folder, inside the transaction that records it.

    A process that is killed before the commit leaves the folder in place without a record: the next sweep finds it.

    Raises:
        PayloadError: the folder cannot be renamed.
    """
    try:
        aside.rename(place)
    except OSError as error:
        raise PayloadError(f"cannot make the folder {place}: {error.strerror}") from error


def sweep_payloads(database: Database) -> None:
    """Remove what processes that were killed left among the payloads."""

    def recorded(name: str) -> bool:
        with database.read() as connection:
            return connection.execute("SELECT 1 FROM payloads WHERE id = ?", (name,)).fetchone() is not None

    sweep(database.root.payloads, recorded)


def sweep(parent: Path, recorded: Callable[[str], bool]) -> None:
    """Remove what processes that were killed left aside; another process that sweeps is not waited for.

    Args:
        recorded: whether the folder of that name belongs where it is.
    """
    try:
        guard = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with os.scandir(parent) as entries:
            marked = {_id(entry.name) for entry in entries if entry.name.startswith(_PREFIX)}
        for name in marked:
            _sweep_one(parent, name, recorded)
    except OSError:
        pass  # another process sweeps, or this one may not
    finally:
        os.close(guard)


def _sweep_one(parent: Path, name: str, recorded: Callable[[str], bool]) -> None:
    mark = _mark(parent, name)
    lock = _take(mark, wait=False)
    if lock is None:
        return  # its owner lives
    try:
        aside = parent / f"{_PREFIX}{name}"
        remove_tree(aside)
        # Asked under the lock: whoever held it has committed or never will.
        if (parent / name).is_dir() and not recorded(name):
            (parent / name).rename(aside)
            remove_tree(aside)
        mark.unlink(missing_ok=True)
    finally:
        os.close(lock)


def _id(name: str) -> str:
    return name.removeprefix(_PREFIX).removesuffix(_LOCK)


def _mark(parent: Path, name: str) -> Path:
    return parent / f"{_PREFIX}{name}{_LOCK}"


def _take(mark: Path, wait: bool) -> int | None:
    """A descriptor that holds the lock of a mark, which is made if need be; None while another process holds it."""
    while True:
        lock = os.open(mark, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # A sweep may have removed the file between the two calls: then the lock is worth nothing.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), mark.stat()):
                    return lock
        except BlockingIOError:
            os.close(lock)
            return None
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
