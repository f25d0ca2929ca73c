"""A definition in a zip file; nothing of it is ever unpacked to disk."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from clara_cli.errors import DefinitionError
from clara_cli.pipelines import source
from clara_cli.pipelines.files import MAX_ENTRIES, SUFFIXES, GivenFiles, unreadable

_STARTS = (b"PK\x03\x04", b"PK\x05\x06")


def is_archive(content: bytes) -> bool:
    """Whether a file that begins like this is a zip file."""
    return content.startswith(_STARTS)


def read_archive(path: Path) -> GivenFiles:
    """The definition files of a zip file, read within the bounds of a definition.

    Raises:
        DefinitionError: damaged, encrypted, too large, or with names that lead out of it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAX_ENTRIES:
                raise DefinitionError(f"{path} holds more than {MAX_ENTRIES} files")
            for entry in entries:
                _check_name(path, entry.filename)
            wanted = [entry for entry in entries if entry.filename.casefold().endswith(SUFFIXES)]
            return GivenFiles(_contents(path, archive, wanted), str(path), ordered=False)
    except OSError as error:
        raise unreadable(path, error) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise DefinitionError(f"{path} is no zip file that can be read: {error}") from None


def _contents(path: Path, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> list[tuple[str, bytes]]:
    left = source.MAX_BYTES
    contents = []
    for entry in entries:
        # The size that an entry claims proves nothing.
        with archive.open(entry) as file:
            content = file.read(left + 1)
        left -= len(content)
        if left < 0:
            raise DefinitionError(f"the definitions in {path} have more than {source.MAX_BYTES} bytes together")
        contents.append((entry.filename, content))
    return contents


def _check_name(path: Path, name: str) -> None:
    if name.startswith("/") or "\\" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise DefinitionError(f'{path}: "{name}" is no path inside of a zip file', hint="pack the folder anew")
