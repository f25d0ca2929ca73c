"""A definition that was found right and has not changed since need not be checked again: the stored pipeline of it."""

from __future__ import annotations

import json
import sqlite3

# As `hashlib` has it, which loads OpenSSL first.
from _blake2 import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clara_cli import __version__
from clara_cli.pipelines.model import Pipeline, from_json
from clara_cli.stored_paths import stored_path

if TYPE_CHECKING:
    from clara_cli.pipelines.load import Loaded

# Larger ones are rare, and reading them is not what takes long.
_LARGEST = 1 << 22


class Known(NamedTuple):
    """A stored pipeline."""

    id: str
    pipeline: Pipeline


def seal(loaded: Loaded) -> str:
    """What a definition is known again by; empty where it has to be read anew each time.

    That is where there are warnings to be shown, or another file that it imports might be found next time.
    """
    if loaded.warnings or loaded.templated or len(loaded.files) != 1:
        return ""
    return _seal(*loaded.files[0])


def known_pipeline(connection: sqlite3.Connection, path: Path) -> Known | None:
    """The newest stored pipeline of exactly this file, found right by this version; None when there is none."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None  # a pipe can be read only once
        content, folder = path.read_bytes(), stored_path(path.parent.resolve())
    except (OSError, ValueError):
        return None
    row = connection.execute(
        "SELECT id, definition FROM pipelines WHERE seal = ? AND folder = ? ORDER BY created DESC, rowid DESC LIMIT 1",
        (_seal(path.name, content), folder),
    ).fetchone()
    return None if row is None else Known(row[0], from_json(json.loads(row[1])))


def _seal(name: str, content: bytes) -> str:
    digest = blake2b(f"{__version__}\0{name}\0".encode("utf-8", "surrogateescape"), digest_size=32)
    digest.update(content)
    return digest.hexdigest()
