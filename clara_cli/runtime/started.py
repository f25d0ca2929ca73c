"""What a process of a job was started with, kept for people: `jobs/<job id>/operators/<name>.json`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from clara_cli.filename import file_name
from clara_cli.runtime.namespace import Bind

FOLDER = "operators"


class Started(NamedTuple):
    """One started process.

    Attributes:
        mounts: what it was given beside this machine's files; None for a process without mounts.
        without: why it had none.
    """

    command: tuple[str, ...]
    folder: str
    environment: dict[str, str]
    mounts: tuple[Bind, ...] | None = None
    without: str = ""


def keep_started(folder: Path, name: str, started: Started) -> None:
    """Write it below a job's folder, readable for its owner alone: variables may hold secrets."""
    path = _path(folder, name)
    path.parent.mkdir(exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        mounts = None if started.mounts is None else [bind._asdict() for bind in started.mounts]
        file.write(json.dumps({**started._asdict(), "mounts": mounts}, indent=1).encode("ascii"))


def read_started(folder: Path, name: str) -> Started | None:
    """What was kept; None for a process that was not started."""
    try:
        values = json.loads(_path(folder, name).read_bytes())
        mounts = values["mounts"]
        started = Started(**values)
        return started._replace(mounts=None if mounts is None else tuple(Bind(**item) for item in mounts))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _path(folder: Path, name: str) -> Path:
    return folder / FOLDER / file_name(name, ".json")
