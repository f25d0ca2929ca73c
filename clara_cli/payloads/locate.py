"""Finding a file in a payload by the name a client gives."""

from __future__ import annotations

import os
from pathlib import Path

from clara_cli.errors import NotFound
from clara_cli.payloads.names import parse_name, show_name


def locate(top: Path, name: str) -> Path:
    """The file of that name, else the only one whose name differs from it by case alone.

    Raises:
        NotFound: none, or several that differ by case.
        BadFileName: the name leads out of the payload.
    """
    parts = parse_name(name)
    exact = top.joinpath(*parts)
    if parts and os.path.lexists(exact) and not exact.is_dir():
        return exact
    found = [top]
    for part in parts:
        found = [folder / other for folder in found for other in _names(folder) if other.casefold() == part.casefold()]
    files = [path for path in found if not path.is_dir()]
    if len(files) == 1:
        return files[0]
    shown = show_name(f"/{'/'.join(parts)}")
    if files:
        listed = ", ".join(show_name(f"/{path.relative_to(top)}") for path in sorted(files)[:12])
        raise NotFound(f"several files of the payload are meant by {shown}: {listed}", kind="file")
    raise NotFound(f"the payload has no file {shown}{', that is a folder' if found else ''}", kind="file")


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []
