"""A program's `requirements.txt`: what it asks for, and whether the Python that runs `clara` has it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clara_cli.errors import ImageError
from clara_cli.images.program import REQUIREMENTS

if TYPE_CHECKING:
    from packaging.requirements import Requirement

# The module `clara` reaches every operator by PYTHONPATH, whatever the original's package was called.
PROVIDED = frozenset({"clara", "clara-cli", "nvidia-clara-pipeline-driver"})
_OPTION = re.compile(r"(-r|-c|-e|-f|--requirement|--constraint|--editable|--find-links)(?:\s*=\s*|\s+|(?=[^\s-]))(\S+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Requirements:
    """What a program asks for.

    Attributes:
        lines: as pip reads them, included files in their places, paths absolute, what is provided left out.
        files: files and folders that they name; their content counts.
    """

    lines: tuple[str, ...]
    files: tuple[Path, ...]

    def digest(self, interpreter: str) -> str:
        """Different for whatever would make a different environment."""
        parts = hashlib.sha256("\n".join((interpreter, *self.lines)).encode())
        for path in self.files:
            inner = sorted(path.rglob("*")) if path.is_dir() else [path]
            for file in (item for item in inner if item.is_file() and "__pycache__" not in item.parts):
                parts.update(str(file).encode() + hashlib.sha256(file.read_bytes()).digest())
        return parts.hexdigest()[:32]


def read_requirements(folder: Path) -> Requirements | None:
    """The requirements of a program's folder; None when it states none.

    Raises:
        ImageError: the file, or one that it includes, cannot be read.
    """
    if not (folder / REQUIREMENTS).is_file():
        return None
    files: list[Path] = []
    lines = tuple(_read(folder / REQUIREMENTS, files, ()))
    return Requirements(lines, tuple(dict.fromkeys(files)))


def unsatisfied(requirements: Requirements) -> list[str]:
    """The requirements that this very Python does not meet, each with what is there instead."""
    return [text for line in requirements.lines if (text := _shortfall(line))]


def _read(path: Path, files: list[Path], above: tuple[Path, ...]) -> Iterator[str]:
    if path in above:
        return
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ImageError(f"{path}: cannot be read: {error}") from error
    for raw in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        option = _OPTION.match(line)
        if not line or _is_provided(line):
            continue
        if option is None:
            yield _absolute(line, path.parent, files)
        elif option[1] in ("-r", "--requirement"):
            yield from _read(path.parent / option[2], files, (*above, path))
        else:
            yield f"{option[1]} {_absolute(line[option.start(2) :], path.parent, files, plain=True)}"


def _is_provided(line: str) -> bool:
    name = _NAME.match(line)
    return name is not None and re.sub(r"[-_.]+", "-", name[0]).lower() in PROVIDED


def _absolute(line: str, folder: Path, files: list[Path], *, plain: bool = False) -> str:
    """A line that begins with a path, with the path absolute: pip reads the lines from another folder.

    Args:
        plain: a bare word is a path too, and no package's name.
    """
    words = re.match(r"[^\s\[;]+", line)
    if words is None or "://" in words[0]:
        return line
    path = folder / words[0]
    if not (plain or "/" in words[0] or words[0].endswith((".whl", ".gz", ".zip"))) or not path.exists():
        return line
    files.append(path)
    return f"{path.absolute()}{line[words.end() :]}"


def _shortfall(line: str) -> str | None:
    from packaging.requirements import InvalidRequirement, Requirement

    if line.startswith("-"):
        # Of the options only this one asks for something.
        return line if line.startswith(("-e", "--editable")) else None
    try:
        wanted = Requirement(line.split(" --", maxsplit=1)[0].strip())
    except InvalidRequirement:
        return line  # a path or an address: whether it is installed cannot be known
    return _missing(wanted, frozenset())


def _missing(wanted: Requirement, above: frozenset[str]) -> str | None:
    from importlib import metadata

    from packaging.requirements import Requirement

    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return None
    try:
        found = metadata.distribution(wanted.name)
    except metadata.PackageNotFoundError:
        return f"{wanted} (not installed)"
    if not wanted.specifier.contains(found.version, prereleases=True):
        return f"{wanted} ({found.version} is installed)"
    behind = (Requirement(text) for text in found.requires or () if wanted.extras - above)
    for inner in behind:
        extra = _extra_of(inner, wanted.extras - above)
        if extra is not None:
            inner.marker = None
            if short := _missing(inner, above | {extra}):
                return f"{wanted}: {short}"
    return None


def _extra_of(inner: Requirement, extras: set[str]) -> str | None:
    """Which of the wanted extras brings a further requirement in."""
    if inner.marker is None or inner.marker.evaluate({"extra": ""}):
        return None
    return next((extra for extra in extras if inner.marker.evaluate({"extra": extra})), None)
