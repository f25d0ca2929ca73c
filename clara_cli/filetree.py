"""Removing folders, whatever permissions a program left on them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def remove_tree(path: Path) -> None:
    """Remove a file, a link or a folder with all it holds; links are not followed.

    Raises:
        OSError: something cannot be removed.
    """
    try:
        _remove(path)
    except PermissionError:
        # A folder without write permission keeps what it holds; its owner may give it back.
        for folder, _, _ in os.walk(path, onerror=None):
            Path(folder).chmod(0o700)
        _remove(path)


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:
        if os.path.lexists(path):  # something in it was removed by others meanwhile
            shutil.rmtree(path, ignore_errors=True)
