"""Models as zip archives, as the platform's API carries them."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from clara_cli.errors import PayloadError
from clara_cli.payloads.names import parse_name, show_name
from clara_cli.payloads.walk import open_inside, walk

_CHUNK = 1 << 20
_MOST_FILES = 100_000
# Bytes after which the room on the disk is looked at again.
_LOOK = 64 << 20


def unpack(archive: IO[bytes], folder: Path, name: str, most: int, check_room: Callable[[], None]) -> Path:
    """Unpack a model below `folder`; returns its folder, which is called `name`.

    The archive holds the model's files, or one folder with them, however that is called.

    Args:
        most: bytes that all files may have together.
        check_room: raises when the disk has no room, asked every now and then: a small archive may hold large files.

    Raises:
        PayloadError: it is no zip archive, damaged, too large, or holds what a model cannot: links, names that lead
            out of it.
    """
    if len(parse_name(name)) != 1 or "/" in name:
        raise PayloadError(f'"{show_name(name)}" is no name of a model: a single name of a folder was expected')
    inside = folder / ".unpacked"
    try:
        inside.mkdir(parents=True)
        with zipfile.ZipFile(archive) as packed:
            _unpack(packed, inside, most, check_room)
        entries = list(inside.iterdir())
        # A zip of a folder and a zip of its content are both common.
        top = entries[0] if len(entries) == 1 and entries[0].is_dir() and not entries[0].name.isdigit() else inside
        return top.rename(folder / name)
    except zipfile.BadZipFile as error:
        raise PayloadError(f"model {name} is no intact zip archive: {error}") from error
    except (NotImplementedError, RuntimeError) as error:  # a method that is not known here, or a password
        raise PayloadError(f"the archive of model {name} cannot be read: {error}") from error
    except OSError as error:
        raise PayloadError(f"cannot unpack model {name}: {error.strerror or error}") from error


def _unpack(packed: zipfile.ZipFile, target: Path, most: int, check_room: Callable[[], None]) -> None:
    members = packed.infolist()
    if len(members) > _MOST_FILES:
        raise PayloadError(f"the archive holds {len(members)} files; at most {_MOST_FILES} are unpacked")
    check_room()
    left = looked = most
    for member in members:
        parts = parse_name(member.filename)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise PayloadError(f"{show_name(member.filename)} in the archive is a link: a model holds files only")
        place = target.joinpath(*parts)
        if member.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        with packed.open(member) as reader, place.open("xb") as writer:
            # What an archive says of its sizes need not be true.
            while chunk := reader.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise PayloadError(f"the files of the archive have more than {most} bytes together")
                if looked - left >= _LOOK:
                    looked = left
                    check_room()
                writer.write(chunk)


def pack(folder: Path, archive: IO[bytes]) -> None:
    """Write the files of a model into a zip archive; not compressed, since weights hardly become smaller.

    Raises:
        PayloadError: a file cannot be read.
    """
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as packed:
            for entry in walk(folder):
                if entry.fault is None:
                    with _opened(folder / entry.name, folder) as reader, _member(packed, entry.name) as writer:
                        while chunk := reader.read(_CHUNK):
                            writer.write(chunk)
    except OSError as error:
        raise PayloadError(f"cannot pack the model {folder.name}: {error.strerror or error}") from error


@contextmanager
def _opened(path: Path, boundary: Path) -> Iterator[IO[bytes]]:
    with os.fdopen(open_inside(str(path), os.path.realpath(boundary)), "rb") as file:
        yield file


def _member(packed: zipfile.ZipFile, name: str) -> IO[bytes]:
    return packed.open(zipfile.ZipInfo(show_name(name)), "w", force_zip64=True)
