"""Download: files of a payload that a pattern matches, copied below a destination."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from clara_cli.errors import NotFound, PayloadError
from clara_cli.payloads.copy import replace_file
from clara_cli.payloads.pattern import Pattern
from clara_cli.payloads.tree import PayloadTree


@dataclass(frozen=True)
class Download:
    """What a download did: files written, and links left out because they lead out of the payload."""

    files: tuple[Path, ...]
    left_out: tuple[Path, ...]


def download(tree: PayloadTree, pattern: Pattern, destination: str) -> Download:
    """Copy what `pattern` matches; every file appears whole, replacing one of the same name.

    Files land under the destination by their path below the pattern's fixed folder; a plain path to a file
    lands in an existing folder (or one written with a trailing slash), else becomes the destination itself.

    Raises:
        NotFound: nothing matches.
        PayloadError: the destination cannot be written, or the disk is full.
    """
    base, found = _select(tree, pattern)
    inside = tree.path.resolve()
    wanted = [path for path in found if path.resolve().is_relative_to(inside)]
    left_out = tuple(path for path in found if path not in set(wanted))
    if not wanted:
        raise NotFound(_nothing(tree, pattern), hint="clara describe job -j ID lists the operators")
    target = Path(destination).expanduser()
    into_folder = bool(pattern.wild or pattern.folder or destination.endswith("/") or target.is_dir())
    if not into_folder and wanted == [base]:
        pairs = [(base, target)]
    else:
        root = base.parent if not (pattern.wild or pattern.folder) else base
        pairs = [(path, target / path.relative_to(root)) for path in wanted]
    for source, place in pairs:
        _place(source, place)
    return Download(tuple(place for _, place in pairs), left_out)


def _select(tree: PayloadTree, pattern: Pattern) -> tuple[Path, list[Path]]:
    """The fixed folder (or file) and the files matched, in name order."""
    base = tree.path.joinpath(*pattern.fixed)
    if not base.resolve().is_relative_to(tree.path.resolve()):
        raise PayloadError(f'"/{"/".join(pattern.fixed)}" leads out of the payload')
    if base.is_file():
        return base, [] if pattern.wild or pattern.folder else [base]
    matched = [path for path in _walk(base) if pattern.matches(path.relative_to(base).parts)]
    return base, matched


def _walk(folder: Path) -> list[Path]:
    """Files below a folder in name order; linked folders are not entered."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders.sort()
        found += [Path(parent, name) for name in files if Path(parent, name).is_file()]
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
    return f"nothing in the payload matches {shown}; {where} holds {inside or 'nothing'}"
