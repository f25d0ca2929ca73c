"""Which file or folder of a program's folder appears at which container path: Docker's rules for COPY."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from clara_cli.images.dockerfile import Dockerfile
    from clara_cli.images.stage import Copy

SKIPPED = frozenset({".git", "__pycache__", ".venv"})
_GLOB = frozenset("*?[")


class Placement(NamedTuple):
    """A real file or folder (its content, that is) and the absolute container path where it appears."""

    source: Path
    target: str


def place(folder: Path, dockerfile: Dockerfile) -> tuple[list[Placement], list[str]]:
    """What the COPY lines put where, and a warning for each source that is not in the folder."""
    placements: list[Placement] = []
    warnings: list[str] = []
    for copy in dockerfile.copies:
        found = [match for pattern in copy.sources for match in _matches(folder, pattern)]
        warnings += [
            f"{dockerfile.path}:{copy.line}: {pattern} is not in {folder}"
            for pattern in copy.sources
            if not _is_glob(pattern) and not _matches(folder, pattern)
        ]
        placements += _placed(copy, found, placements)
    return placements, warnings


def source_of(placements: Iterable[Placement], path: str) -> Path | None:
    """The real file or folder that appears at a container path; None when there is none."""
    found = None
    for item in placements:
        rest = posixpath.relpath(path, item.target)
        candidate = item.source if rest == "." else item.source / rest
        if not rest.startswith("..") and candidate.exists():
            found = candidate
    return found


def _placed(copy: Copy, sources: list[Path], earlier: list[Placement]) -> list[Placement]:
    into = copy.into or len(sources) > 1 or any(_has_folder(item, copy.target) for item in earlier)
    return [
        Placement(source, copy.target if source.is_dir() or not into else posixpath.join(copy.target, source.name))
        for source in sources
    ]


def _matches(folder: Path, pattern: str) -> list[Path]:
    """The paths a source names; `..` cannot leave the folder, as in a build."""
    inner = posixpath.normpath("/" + pattern).lstrip("/")
    if not inner:
        return [folder]
    found = _found(folder, inner)
    # Images are often built from the folder above: `COPY my-operator/main.py /app/`.
    first, _, rest = inner.partition("/")
    return found or (_found(folder, rest) if first == folder.name else [])


def _found(folder: Path, inner: str) -> list[Path]:
    if not _is_glob(inner):
        return [folder / inner] if (folder / inner).exists() else []
    try:
        return sorted(path for path in folder.glob(inner) if path.name not in SKIPPED)
    except ValueError:  # `**` beside other characters, which Python does not know
        return []


def _has_folder(item: Placement, path: str) -> bool:
    """Whether a folder is at a container path because of an earlier placement."""
    if item.target.startswith(path.rstrip("/") + "/"):
        return True
    found = source_of([item], path)
    return found is not None and found.is_dir()


def _is_glob(pattern: str) -> bool:
    return not _GLOB.isdisjoint(pattern)
