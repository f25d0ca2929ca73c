"""One job for each volume of a folder (`clara run --each`): which ones there are, and which are done.

    RESULTS/<volume>/<operator>/…   what a volume's job left; there only when all of it is
    RESULTS/.each/                  what is being fetched, and the lock of the command that works there

A volume is a file or a folder, called by its path below the folder they are in.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clara_cli.errors import NotFound, PayloadError, StateConflict, UsageError
from clara_cli.jobs import store
from clara_cli.jobs.actions import JobView
from clara_cli.jobs.model import Job
from clara_cli.jobs.results import results
from clara_cli.payloads.download import download
from clara_cli.payloads.removal import remove_tree
from clara_cli.stored_paths import stored_path

_OWN = ".each"


@dataclass(frozen=True)
class Volume:
    """One input: its name, and where it is."""

    name: str
    path: Path


def find_volumes(folder: Path, pattern: str) -> list[Volume]:
    """The files and folders below a folder that a pattern such as `*.nii.gz` or `sub-*/anat` names, by name.

    Hidden ones do not count.

    Raises:
        UsageError: the pattern leads out of the folder.
        PayloadError: there is no such folder, or it cannot be read.
        NotFound: nothing matches.
    """
    parts = PurePosixPath(pattern).parts
    if not parts or pattern.startswith("/") or ".." in parts:
        raise UsageError(f'--pattern "{pattern}": expected a pattern below the folder, such as *.nii.gz')
    if not folder.is_dir():
        raise PayloadError(f"--each: there is no folder {folder}")
    try:
        found = sorted(folder.glob(pattern))
    except OSError as error:
        raise PayloadError(f"--each: cannot read {folder}: {error.strerror}") from error
    volumes = [Volume(str(path.relative_to(folder)), path) for path in found if path != folder]
    volumes = [item for item in volumes if not any(part.startswith(".") for part in Path(item.name).parts)]
    if not volumes:
        raise NotFound(f'no file or folder in {folder} matches "{pattern}"', hint="--pattern says which are meant")
    names = {item.name for item in volumes}
    for item in volumes:
        if parent := next((str(above) for above in Path(item.name).parents if str(above) in names), None):
            raise UsageError(f'--pattern "{pattern}" names both {parent} and {item.name}, which is in it')
    return volumes


def done(target: Path, volumes: Iterable[Volume]) -> set[str]:
    """The names of the volumes whose results are there."""
    return {item.name for item in volumes if (target / item.name).is_dir()}


@contextmanager
def alone_in(target: Path) -> Iterator[None]:
    """While this lasts nobody else fills this folder; what an earlier one was fetching is removed.

    Raises:
        StateConflict: somebody does.
        PayloadError: the folder cannot be used.
    """
    own = target / _OWN
    handle = _lock(own, target)
    try:
        for left in own.iterdir():
            if left.is_dir():
                remove_tree(left)
        try:
            yield
        finally:
            with suppress(OSError):
                (own / "lock").unlink()
                own.rmdir()
                target.rmdir()  # only where nothing came of it
    finally:
        os.close(handle)


def _lock(own: Path, target: Path) -> int:
    while True:
        try:
            own.mkdir(parents=True, exist_ok=True)
            handle = os.open(own / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise PayloadError(f"cannot use the folder for the results {target}: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before may have removed the file meanwhile.
            if os.path.samestat(os.fstat(handle), (own / "lock").stat()):
                return handle
        except FileNotFoundError:
            pass
        except OSError:
            os.close(handle)
            raise StateConflict(f"another clara run --each works in {target}") from None
        os.close(handle)


def keep_results(view: JobView, names: Iterable[str], target: Path, volume: Volume) -> int:
    """Copy what a job left to the folder of its volume, which appears when all of it is there.

    Returns:
        how many files.

    Raises:
        PayloadError: not all of it could be copied; there is no such folder then.
    """
    part = target / _OWN / view.job.id
    final = target / volume.name
    try:
        part.mkdir(parents=True, exist_ok=True)
        count = 0
        for name, selection in results(view, names):
            if selection is not None:
                copied = download(selection, f"{part / name}/")
                count += len(copied.written)
                if copied.failed:
                    path, why = copied.failed[0]
                    raise PayloadError(f"{len(copied.failed)} files could not be copied, such as {path}: {why}")
        final.parent.mkdir(parents=True, exist_ok=True)
        part.rename(final)
    except OSError as error:
        raise PayloadError(f"cannot keep the results in {final}: {error.strerror}") from error
    finally:
        remove_tree(part)
    return count


def note_volume(connection: sqlite3.Connection, job_id: str, target: Path, volume: Volume) -> None:
    """Remember which volume a job is for, and where its results go."""
    connection.execute("INSERT INTO each_volume VALUES (?, ?, ?)", (job_id, *_place(target, volume.name)))


def latest_jobs(connection: sqlite3.Connection, target: Path, pipeline_id: str) -> dict[str | bytes, Job]:
    """The newest job of a pipeline for each volume whose results go to a folder, by the volume's key."""
    rows = connection.execute(
        "SELECT volume, jobs.id FROM each_volume JOIN jobs ON jobs.id = each_volume.job_id "
        "WHERE results = ? AND pipeline_id = ? ORDER BY jobs.created",
        (_place(target, "")[0], pipeline_id),
    ).fetchall()
    return {name: store.get_job(connection, job_id) for name, job_id in dict(rows).items()}


def volume_key(volume: Volume) -> str | bytes:
    """The name of a volume as the records hold it."""
    return stored_path(volume.name)


def _place(target: Path, name: str) -> tuple[str | bytes, str | bytes]:
    return stored_path(str(target.absolute())), stored_path(name)
