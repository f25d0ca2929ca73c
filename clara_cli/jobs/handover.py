"""What a job is handed over with to a runner on another machine: its plan, in a file of its own folder."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path

from clara_cli import __version__
from clara_cli.errors import RuntimeFailure
from clara_cli.runtime.plan import JobPlan


@dataclass(frozen=True)
class Handover:
    """A job for another machine.

    Attributes:
        mounts: the configuration's word; whether mounts work is found out on the node.
        warm: operators in Python may be forked from a process that is warm already.
        version: of the clara that wrote it.
    """

    plan: JobPlan
    mounts: str
    warm: bool = True
    version: str = __version__

    def write(self) -> None:
        """Keep it in the job's folder, for this user only.

        Raises:
            RuntimeFailure: it cannot be written.
        """
        path = _path(self.plan.folder)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                # Read again by the same installation only, and out of this user's own folder.
                pickle.dump(self, file)
        except OSError as error:
            raise RuntimeFailure(f"cannot write {path}: {error.strerror}") from error


def read_handover(folder: Path) -> Handover:
    """What a job was handed over with.

    Raises:
        RuntimeFailure: there is nothing, it is somebody else's, or of another version.
    """
    path = _path(folder)
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                raise RuntimeFailure(f"{path} is not this user's")
            found = pickle.load(file)
    except RuntimeFailure:
        raise
    except Exception as error:  # whatever the bytes of a broken file make of it
        raise RuntimeFailure(f"cannot read {path}: {error}") from error
    if not isinstance(found, Handover) or found.version != __version__:
        raise RuntimeFailure(f"{path} was written by another version of clara than {__version__}")
    return found


def _path(folder: Path) -> Path:
    return folder / "plan"
