"""Removing folders: their records go first, with a note of where they are; whoever looks next removes what is left.

The note is made in the transaction that deletes the record, so a folder is neither lost nor kept by a crash.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clara_cli.database import Database
from clara_cli.errors import PayloadError

# What a folder is called while it is being removed.
_ASIDE = ".deleted-"


def note_removal(connection: sqlite3.Connection, root: Path, folder: Path) -> None:
    """From now on the folder does not count any more: `remove_noted` removes it, now or after a crash."""
    connection.execute("INSERT OR IGNORE INTO deletions VALUES (?)", (str(folder.relative_to(root)),))


def noted_removals(connection: sqlite3.Connection) -> list[str]:
    """Folders, below the root, of what was deleted and perhaps not removed yet."""
    return [row[0] for row in connection.execute("SELECT folder FROM deletions")]


def finish_removal(database: Database) -> None:
    """Remove the folders of what was deleted.

    Raises:
        PayloadError: it is deleted, but a folder cannot be removed.
    """
    left = remove_noted(database)
    if left:
        raise PayloadError("deleted, but these folders cannot be removed:\n" + "\n".join(left))


def remove_noted(database: Database) -> list[str]:
    """Remove the folders of what was deleted, except those that another process is removing.

    Returns:
        those that cannot be removed, where they are now; it is tried again the next time.
    """
    with database.read() as connection:
        folders = noted_removals(connection)
    left = []
    for name in folders:
        folder = database.root.path / name
        aside = folder.with_name(_ASIDE + folder.name)
        try:
            with suppress(FileNotFoundError):
                folder.rename(aside)
        except OSError:
            left.append(str(folder))
            continue
        with _alone(aside) as alone:
            if not alone:
                continue
            if not remove_tree(aside):
                left.append(str(aside))
                continue
        with database.write() as connection:
            connection.execute("DELETE FROM deletions WHERE folder = ?", (name,))
    return left


def remove_tree(folder: Path) -> bool:
    """Delete a folder, also where an operator took away its own right to write; returns whether all is gone."""
    # Loaded when it is needed: most commands look, and find nothing to remove.
    import shutil

    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return not os.path.lexists(folder)
    except OSError:
        pass
    else:
        return True
    for parent, _, _ in os.walk(folder, onerror=None):
        with suppress(OSError):
            _open_up(parent)
    shutil.rmtree(folder, ignore_errors=True)
    return not os.path.lexists(folder)


def _open_up(parent: str) -> None:
    """Make the folders in a folder ours to list and change; the walk goes into them next."""
    os.chmod(parent, 0o700)  # noqa: PTH101
    with os.scandir(parent) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)  # noqa: PTH101


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other process is at this folder; none will be as long as this lasts."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield True  # gone, or not to be opened but perhaps to be removed
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)
