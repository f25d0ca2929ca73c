"""The files a definition may consist of: a folder, an archive, or what was sent and stored. Paths use `/`."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from clara_cli.errors import DefinitionError, NotFound
from clara_cli.pipelines import source

SUFFIXES = (".yaml", ".yml", ".json")
MAX_ENTRIES = 10_000
_MAX_DEPTH = 3


class Files(Protocol):
    """Where imports are looked up; nothing outside is ever read.

    Attributes:
        where: what messages call the whole.
        ordered: whether the first pipeline is meant when there are several.
    """

    where: str
    ordered: bool

    def label(self, path: str) -> str:
        """What messages call a file."""

    def read(self, path: str) -> bytes:
        """The content; NotFound when there is no such file, DefinitionError when it cannot be read."""

    def names(self) -> list[str]:
        """The files that may hold a definition."""


class GivenFiles:
    """Files that are all at hand. Names that differ only by case count as one."""

    def __init__(self, contents: Iterable[tuple[str, bytes]], where: str = "", *, ordered: bool = True) -> None:
        self.where = where
        self.ordered = ordered
        self._contents = {posixpath.normpath(path).lstrip("/"): content for path, content in contents}
        self._spelled = {path.casefold(): path for path in reversed(self._contents)}

    def label(self, path: str) -> str:
        return f"{self.where}/{path}" if self.where else path

    def read(self, path: str) -> bytes:
        found = path if path in self._contents else self._spelled.get(path.casefold())
        if found is None:
            raise NotFound(f"there is no file {self.label(path)}")
        return self._contents[found]

    def names(self) -> list[str]:
        return list(self._contents)


class FolderFiles:
    """Files below a folder of this machine; links that lead out of it are not followed."""

    ordered = False

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self._folder = folder

    def label(self, path: str) -> str:
        return str(self._folder / path)

    def read(self, path: str) -> bytes:
        place = self._folder / path
        try:
            real = place.resolve(strict=True)
            if not real.is_relative_to(self._folder.resolve()):
                raise DefinitionError(f"{place} is a link that leads out of the definition's folder")
            if not real.is_file():
                raise NotFound(f"{place} is no file")
        except FileNotFoundError:
            raise NotFound(f"there is no file {place}") from None
        except (OSError, RuntimeError, ValueError) as error:
            raise unreadable(place, error) from None
        return read_bytes(place)

    def names(self) -> list[str]:
        found = []
        for count, path in enumerate(self._walk()):
            if count >= MAX_ENTRIES:
                raise DefinitionError(f"{self.where} holds more than {MAX_ENTRIES} files; name the definition in it")
            if path.casefold().endswith(SUFFIXES):
                found.append(path)
        return sorted(found)

    def _walk(self) -> Iterator[str]:
        for folder, below, files in os.walk(self._folder):
            inside = Path(folder).relative_to(self._folder)
            below[:] = [name for name in below if not name.startswith(".")] if len(inside.parts) < _MAX_DEPTH else []
            yield from ((inside / name).as_posix() for name in files)


def read_bytes(path: Path) -> bytes:
    """The content of a file, up to one byte more than a definition may have.

    Raises:
        NotFound: there is no such file.
        DefinitionError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(source.MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: Exception) -> DefinitionError:
    """The error for a file that is there and does not open."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return DefinitionError(f"{path} cannot be read: {reason}")
