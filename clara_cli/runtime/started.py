"""What a process of a job was started with, kept for people: `jobs/<job id>/operators/<name>.json`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from clara_cli.filename import file_name
from clara_cli.runtime.namespace import Bind

FOLDER = "operators"


@dataclass(frozen=True)
class Started:
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
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(asdict(started), file, indent=1)


def read_started(folder: Path, name: str) -> Started | None:
    """What was kept; None for a process that was not started."""
    try:
        values = json.loads(_path(folder, name).read_text("ascii"))
        mounts = values["mounts"]
        started = Started(**values)
        return replace(started, mounts=None if mounts is None else tuple(Bind(**item) for item in mounts))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _path(folder: Path, name: str) -> Path:
    return folder / FOLDER / file_name(name, ".json")
