"""The root, its disk and its database."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from clara_cli.database import MIGRATIONS
from clara_cli.doctor.filesystem import file_system
from clara_cli.doctor.finding import Finding, Level
from clara_cli.quantities import show_size

_LITTLE, _TIGHT = 256 << 20, 5 << 30
_FEW_FILES = 10_000
_ELSEWHERE = "set CLARA_ROOT, or `clara config set root FOLDER`, to a folder on a local disk"


def check_root(root: Path) -> Iterator[Finding]:
    """Whether the root can be written, locked and filled; it is not made here."""
    folder = root
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK) or not folder.is_dir():
        what = "cannot be written" if folder == root else f"cannot be made: {folder} cannot be written"
        yield Finding("root", Level.ERROR, f"{root} {what}", _ELSEWHERE)
        return
    yield Finding("root", Level.OK, str(root) if folder == root else f"{root} (the first job makes it)")
    try:
        disk = file_system(folder)
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.write(b"x")
            file.flush()
    except OSError as error:
        text = f"files in {folder} cannot be written and locked: {error.strerror}"
        yield Finding("root", Level.ERROR, text, _ELSEWHERE)
        return
    if disk.is_network:
        text = f"{folder} is on a network file system ({disk.kind}), where the locks of jobs and database may not hold"
        yield Finding("file system", Level.WARNING, text, f"use it from one machine only, or {_ELSEWHERE}")
    else:
        yield Finding("file system", Level.OK, f"{disk.kind}, local")
    if "noexec" in disk.options:
        text = f"{folder} is mounted noexec: environments of operators cannot run there"
        yield Finding("file system", Level.WARNING, text, _ELSEWHERE)
    level = Level.ERROR if disk.free < _LITTLE else Level.WARNING if disk.free < _TIGHT else Level.OK
    advice = None if level is Level.OK else "clara clean --older-than 7d removes payloads of ended jobs"
    yield Finding("free space", level, f"{show_size(disk.free)} of {show_size(disk.total)}", advice)
    if disk.files is not None and disk.files < _FEW_FILES:
        yield Finding("free space", Level.WARNING, f"only {disk.files} more files fit (inodes)", advice)


def check_database(path: Path) -> Iterator[Finding]:
    """The version of the schema, and whether the file is sound."""
    if not path.exists():
        yield Finding("database", Level.OK, f"none yet; its schema will be version {len(MIGRATIONS)}")
        return
    try:
        with closing(sqlite3.connect(path, timeout=5.0)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (sound,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        yield Finding("database", Level.ERROR, f"{path} cannot be used: {error}", _ELSEWHERE)
        return
    if sound != "ok":
        advice = f"keep {path.parent}/payloads, move {path.name} aside: jobs and pipelines are then made anew"
        yield Finding("database", Level.ERROR, f"{path} is damaged: {' '.join(str(sound).split())}", advice)
    elif version > len(MIGRATIONS):
        text = f"schema version {version} was made by a newer clara than this, which knows {len(MIGRATIONS)}"
        yield Finding("database", Level.ERROR, text, "update clara, or set CLARA_ROOT to another folder")
    elif version < len(MIGRATIONS):
        text = f"schema version {version}; the next command brings it to {len(MIGRATIONS)}"
        yield Finding("database", Level.NOTE, text)
    else:
        yield Finding("database", Level.OK, f"schema version {version}")
