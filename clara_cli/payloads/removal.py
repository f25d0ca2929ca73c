"""Removing folders: renamed aside in no time, then deleted, so that nobody ever sees half a folder."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from clara_cli.errors import PayloadError

PREFIX = ".removed-"


def set_aside(folder: Path) -> Path | None:
    """Rename a folder out of sight; returns where it is now, None if there is none.

    What lies aside is deleted by `remove_tree`, or by the next sweep if this process does not come to it.

    Raises:
        PayloadError: it cannot be renamed.
    """
    aside = folder.with_name(f"{PREFIX}{folder.name}-{os.urandom(4).hex()}")
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PayloadError(f"cannot remove {folder}: {error.strerror}") from error
    return aside


def remove_tree(folder: Path) -> bool:
    """Delete a folder, also where an operator took away its own right to write; returns whether all is gone."""
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
