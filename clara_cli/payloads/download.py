"""Download: files of a payload that a pattern matches, copied below a destination."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from clara_cli.errors import NotFound, PayloadError
from clara_cli.filecopy import replace_file
from clara_cli.payloads.pattern import Pattern
from clara_cli.payloads.tree import PayloadTree


@dataclass(frozen=True)
class Selection:
    """The files that a pattern matches.

    Attributes:
        base: the pattern's fixed folder, or the one file it names.
        files: what is copied, in name order.
        left_out: links that lead out of the payload or nowhere, links to folders, and what is no regular file.
    """

    base: Path
    pattern: Pattern
    files: tuple[Path, ...]
    left_out: tuple[Path, ...]


def select(tree: PayloadTree, pattern: Pattern) -> Selection:
    """Find what `pattern` matches.

    Raises:
        NotFound: nothing.
        PayloadError: the fixed part leads out of the payload.
    """
    base = _spelled(tree.path, pattern.fixed)
    if not base.resolve().is_relative_to(tree.path.resolve()):
        raise PayloadError(f'"/{"/".join(pattern.fixed)}" leads out of the payload')
    if base.is_file():
        found = [] if pattern.wild or pattern.folder else [base]
    else:
        found = [path for path in _walk(base) if pattern.matches(path.relative_to(base).parts)]
    inside = tree.path.resolve()
    files = tuple(path for path in found if path.is_file() and path.resolve().is_relative_to(inside))
    if not files:
        raise NotFound(_nothing(tree, pattern), hint="clara describe job -j ID lists the operators")
    return Selection(base, pattern, files, tuple(sorted(set(found) - set(files))))


def download(selection: Selection, destination: str) -> tuple[Path, ...]:
    """Copy the selected files; each appears whole, replacing one of the same name.

    Files land under the destination by their path below the pattern's fixed folder; a plain path to a file
    lands in an existing folder (or one written with a trailing slash), else becomes the destination itself.

    Returns:
        the files written.

    Raises:
        PayloadError: the destination cannot be written, or the disk is full.
    """
    base, whole = selection.base, bool(selection.pattern.wild or selection.pattern.folder)
    target = Path(destination).expanduser()
    into_folder = whole or destination.endswith("/") or target.is_dir()
    if into_folder and target.exists() and not target.is_dir():
        raise PayloadError(f"{destination} is a file: expected a folder to download into")
    if not into_folder and selection.files == (base,):
        pairs = [(base, target)]
    else:
        root = base if whole else base.parent
        pairs = [(path, target / path.relative_to(root)) for path in selection.files]
    for source, place in pairs:
        _place(source, place)
    return tuple(place for _, place in pairs)


def _spelled(folder: Path, names: tuple[str, ...]) -> Path:
    """A path below `folder`; a name that does not exist is taken for the one that differs by case only."""
    for name in names:
        if not os.path.lexists(folder / name) and folder.is_dir():
            alike = [other.name for other in folder.iterdir() if other.name.casefold() == name.casefold()]
            folder = folder / (alike[0] if len(alike) == 1 else name)
        else:
            folder = folder / name
    return folder


def _walk(folder: Path) -> list[Path]:
    """All below a folder that is no folder itself, in name order; linked folders are not entered."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        found += [Path(parent, name) for name in files]
        found += [Path(parent, name) for name in folders if Path(parent, name).is_symlink()]
    return sorted(found)


def _place(source: Path, place: Path) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_file(source, place)
    except OSError as error:
        raise PayloadError(f"cannot write {place}: {error.strerror}") from error


def _nothing(tree: PayloadTree, pattern: Pattern) -> str:
    shown = "/" + "/".join((*pattern.fixed, *pattern.wild))
    existing = tree.path
    for name in pattern.fixed:
        if not (existing / name).is_dir():
            break
        existing = existing / name
    inside = ", ".join(sorted(entry.name for entry in existing.iterdir())[:12]) if existing.is_dir() else ""
    where = "/" + "/".join(existing.relative_to(tree.path).parts)
    return f"nothing in the payload matches {shown}; {where} holds {inside or 'no files'}"
