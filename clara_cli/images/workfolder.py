"""A fresh folder for one run of a program: a small image root with its files, and the folder it starts in.

The program's own folder is never touched. Files are copied and not linked: a write through a link would land in
it, and python takes a linked script's real folder for its imports and would leave `__pycache__` there.
"""

from __future__ import annotations

import os
import posixpath
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from clara_cli.errors import ImageError
from clara_cli.filecopy import copy_file
from clara_cli.images.pathmap import PathMap
from clara_cli.images.placement import SKIPPED, Placement
from clara_cli.images.program import Program

# Folders that this machine has too: only what an image puts into them is replaced, never the folder itself.
_SYSTEM = frozenset(
    {"/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/tmp"}
    | {
        "/usr",
        "/usr/bin",
        "/usr/lib",
        "/usr/lib64",
        "/usr/sbin",
        "/usr/share",
        "/var",
        "/var/lib",
        "/var/tmp",
    }
    | {"/usr/local", "/usr/local/bin", "/usr/local/lib", "/usr/local/sbin", "/usr/local/share"}
)


class WorkFolder(NamedTuple):
    """Where a program runs.

    Attributes:
        root: stands for `/` of the container.
        cwd: the real WORKDIR.
        paths: container paths of the program's files → real paths.
        path_prefix: folder whose `python` and `python3` start the program's interpreter; goes first in PATH.
    """

    root: Path
    cwd: Path
    paths: PathMap
    path_prefix: Path


def lay_out(program: Program, target: Path, mounts: Mapping[str, str | os.PathLike[str]] | None = None) -> WorkFolder:
    """Make `target/root` from the program's files, with links to the mounted folders.

    Raises:
        ImageError: a file cannot be read or written, or two COPY lines put a file and a folder at one path.
    """
    root = target / "root"
    try:
        root.mkdir(parents=True, exist_ok=True)
        for item in program.placements:
            _copy_in(item, root, target)
        cwd = _inside(root, program.workdir)
        _mount(root, mounts or {})
        cwd.mkdir(parents=True, exist_ok=True)
        prefix = _python_folder(program.interpreter, target / "bin")
    except OSError as error:
        raise _unusable(program, error, target) from error
    return WorkFolder(root, cwd, PathMap(own_paths(program, target)), prefix)


def _unusable(program: Program, error: OSError, target: Path) -> ImageError:
    where = error.filename2 or error.filename or target
    return ImageError(f"{program.folder}: cannot be laid out: {where}: {error.strerror or error}")


def _inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def own_paths(program: Program, target: Path) -> dict[str, Path]:
    """Container paths of the program's files and its WORKDIR, as far as they are not the system's → real paths.

    Raises:
        ImageError: a folder cannot be read.
    """
    try:
        targets = {path for item in program.placements for path in _own_paths(item.source, item.target)}
    except OSError as error:
        raise _unusable(program, error, target) from error
    return {path: _inside(target / "root", path) for path in targets | ({program.workdir} - _SYSTEM)}


def _own_paths(source: Path, target: str) -> Iterator[str]:
    """The container path of a placement, or of what it puts into folders of the system."""
    if target not in _SYSTEM:
        yield target
        return
    for path in source.iterdir():
        if path.name not in SKIPPED:
            yield from _own_paths(path, posixpath.join(target, path.name))


def _mount(root: Path, mounts: Mapping[str, str | os.PathLike[str]]) -> None:
    """Link mounted folders into the root: a program may reach `/app/in` as `in`, from its WORKDIR `/app`."""
    linked: list[Path] = []
    for name, folder in sorted(mounts.items()):
        link = _inside(root, posixpath.normpath(name))
        # Below another mount nothing may be made: that folder is the user's.
        if link == root or any(link.is_relative_to(other) for other in linked):
            continue
        if link.is_dir():
            shutil.rmtree(link)
        link.unlink(missing_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
        linked.append(link)


def _copy_in(item: Placement, root: Path, target: Path) -> None:
    destination = _inside(root, item.target)
    if item.source.is_dir():
        _copy_folder(item.source, destination, top=item.source.resolve(), walked=frozenset({target.resolve()}))
    else:
        destination.parent.mkdir(parents=True, exist_ok=True)
        _copy_file(item.source, destination)


def _copy_folder(source: Path, destination: Path, top: Path, walked: frozenset[Path]) -> None:
    """Copy a tree; `walked` are the real folders above, so that a link to one of them ends there."""
    walked = walked | {source.resolve()}
    destination.mkdir(parents=True, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in sorted(entries, key=lambda item: item.name):
            path = Path(entry.path)
            if entry.name in SKIPPED:
                continue
            if entry.is_dir():
                real = path.resolve()
                # A link to a folder above the program's own would bring in everything beside it.
                if real not in walked and not (entry.is_symlink() and top.is_relative_to(real)):
                    _copy_folder(path, destination / entry.name, top, walked)
            elif entry.is_file():
                _copy_file(path, destination / entry.name)


def _copy_file(source: Path, destination: Path) -> None:
    """Copy a file, in no time where the file system can share blocks; an earlier COPY's is replaced."""
    if destination.is_dir():
        raise IsADirectoryError(0, "a folder is where a file should go", str(destination))
    destination.unlink(missing_ok=True)
    status = source.stat()
    copy_file(source, destination)
    mode = status.st_mode & 0o777 | 0o600
    # RUN chmod lines are not run, so a script counts as executable.
    destination.chmod(mode | 0o111 if _is_script(destination) else mode)


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def _python_folder(interpreter: Path, folder: Path) -> Path:
    """A folder whose `python` and `python3` start the interpreter: its own where possible, else of wrappers.

    Wrappers and not links: a link to a virtual environment's python would lose the environment.
    """
    own = interpreter.parent
    if all(_starts(own / name, interpreter) for name in ("python", "python3")):
        return own
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(str(interpreter))} "$@"\n')
        wrapper.chmod(0o755)
    return folder


def _starts(candidate: Path, interpreter: Path) -> bool:
    return os.access(candidate, os.X_OK) and candidate.resolve() == interpreter.resolve()
