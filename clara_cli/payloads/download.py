"""Download: files of a payload that a pattern matches, copied below a destination, which is never left."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clara_cli.errors import NotFound, PayloadError
from clara_cli.filecopy import NotRegular, SourceChanged, ignored, kind_of
from clara_cli.payloads.names import show_name
from clara_cli.payloads.pattern import Pattern
from clara_cli.payloads.place import Placer
from clara_cli.payloads.tree import PayloadTree
from clara_cli.payloads.upload import Meter
from clara_cli.payloads.walk import Entry, open_inside, walk, within

# A file that is written while it is copied is tried this often.
_ATTEMPTS = 3
_SHOWN = 12


@dataclass(frozen=True)
class Selection:
    """The files that a pattern matches.

    Attributes:
        folder: the pattern's fixed folder, or the folder of the one file it names.
        files: what is copied, by names below `folder`.
        left_out: what matches too, with the reason why it is not copied.
        single: the pattern is the plain path of one file.
    """

    tree: PayloadTree
    pattern: Pattern
    folder: Path
    files: tuple[Entry, ...]
    left_out: tuple[Entry, ...]
    single: bool


@dataclass(frozen=True)
class Downloaded:
    """What a download came to: the files written, and those that could not be read, each with the reason."""

    written: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]


def select(tree: PayloadTree, pattern: Pattern) -> Selection:
    """Find what `pattern` matches.

    Raises:
        NotFound: nothing.
        PayloadError: the fixed part leads out of the payload, or what it names is no file.
    """
    base = _spelled(tree.path, pattern.fixed)
    shown = show_name("/" + "/".join(pattern.fixed))
    if not within(os.path.realpath(base), os.path.realpath(tree.path)):
        raise PayloadError(f'"{shown}" leads out of the payload')
    plain = not pattern.wild and not pattern.folder
    if plain and os.path.isfile(base):  # noqa: PTH113
        info = base.stat()
        one = Entry(base.name, info.st_size, info.st_mode)
        return Selection(tree, pattern, base.parent, (one,), (), single=True)
    if not os.path.isdir(base):  # noqa: PTH112
        if plain and os.path.lexists(base):
            kind = kind_of(base.stat().st_mode) if os.access(base, os.F_OK) else "a link that leads nowhere"
            raise PayloadError(f"{shown} is {kind}: it cannot be downloaded")
        raise NotFound(_nothing(tree, pattern), hint="clara describe job -j ID lists the operators")
    try:
        found = [entry for entry in walk(base, tree.path) if pattern.matches(tuple(entry.name.split("/")))]
    except OSError as error:
        raise PayloadError(f"cannot read {error.filename}: {error.strerror}") from error
    files = tuple(entry for entry in found if entry.fault is None)
    left_out = tuple(entry for entry in found if entry.fault is not None)
    if not files:
        raise NotFound(_nothing(tree, pattern, left_out), hint="clara describe job -j ID lists the operators")
    return Selection(tree, pattern, base, files, left_out, single=False)


def download(selection: Selection, destination: str, meter: Meter | None = None, *, clobber: bool = True) -> Downloaded:
    """Copy the selected files; each appears whole, replacing one of the same name.

    Files land under the destination by their path below the pattern's fixed folder; a plain path to a file
    lands in an existing folder (or one written with a trailing slash), else becomes the destination itself. A download
    that was interrupted goes on where it was.

    Args:
        clobber: replace files that are there; else nothing is copied if there is one.

    Raises:
        PayloadError: the destination cannot be written or would be left, the disk is full, or files are there.
    """
    targets = plan(selection, destination, clobber=clobber)
    if meter is not None:
        meter.expect(sum(entry.size for entry in selection.files))
    placer = Placer(meter.advance if meter is not None else ignored)
    boundary = os.path.realpath(selection.tree.path)
    folders = Folders(targets.top)
    written, failed = [], []
    for entry, place in targets.places:
        source = os.path.join(selection.folder, entry.name)  # noqa: PTH118
        fault = _copy(placer, source, boundary, folders, place)
        if fault:
            failed.append((f"/{os.path.relpath(source, selection.tree.path)}", fault))
        else:
            written.append(place)
    return Downloaded(tuple(written), tuple(failed))


@dataclass(frozen=True)
class Targets:
    """Where files go: each file's place, and the folder that is not left."""

    places: tuple[tuple[Entry, str], ...]
    top: str


def plan(selection: Selection, destination: str, *, clobber: bool) -> Targets:
    """Where the selected files go.

    Raises:
        PayloadError: the destination is no folder where one is needed, or files are there that must not be replaced.
    """
    places = tuple(_places(selection, destination))
    if not clobber and (there := [place for _, place in places if os.path.lexists(place)]):
        listed = "\n".join(f"  {show_name(place)}" for place in there[:_SHOWN])
        more = f"\n  … and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
        raise PayloadError(f"there already, so nothing was downloaded:\n{listed}{more}")
    # The destination, or the folder of the one file that it names.
    top = os.path.dirname(places[0][1]) if selection.single else _expanded(destination)  # noqa: PTH120
    return Targets(places, top)


def _places(selection: Selection, destination: str) -> Iterator[tuple[Entry, str]]:
    """Where each file goes."""
    target = _expanded(destination)
    into_folder = not selection.single or destination.endswith("/") or os.path.isdir(target)  # noqa: PTH112
    if into_folder and os.path.lexists(target) and not os.path.isdir(target):  # noqa: PTH112
        raise PayloadError(f"{destination} is no folder: expected one to download into")
    whole = bool(selection.single or selection.pattern.wild or selection.pattern.folder)
    above = "" if whole else selection.folder.name
    for entry in selection.files:
        if into_folder:
            yield entry, os.path.join(target, above, entry.name)  # noqa: PTH118
        else:
            yield entry, target


def _expanded(destination: str) -> str:
    return os.path.abspath(os.path.expanduser(destination))  # noqa: PTH100, PTH111


def _copy(placer: Placer, source: str, boundary: str, folders: Folders, place: str) -> str | None:
    """Copy one file; returns why its source could not be read, if so."""
    folder, name = os.path.split(place)
    for _ in range(_ATTEMPTS):
        try:
            reader = open_inside(source, boundary)
        except NotRegular as error:
            return f"it is {error.kind}"
        except OSError as error:
            return f"it cannot be read: {error.strerror}"
        try:
            folders.make(folder)
            placer.place(reader, folder, name)
            return None
        except SourceChanged:
            continue
        except OSError as error:
            raise unwritable(place, error) from error
        finally:
            os.close(reader)
    return "it changed while it was copied"


class Folders:
    """Makes folders below the destination, and refuses those that a link leads out of it."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._known: set[str] = set()

    def make(self, folder: str) -> None:
        if folder in self._known:
            return
        top, real = os.path.realpath(self._top), os.path.realpath(folder)
        if not within(real, top):
            raise PayloadError(f"{show_name(folder)} is a link that leads out of {self._top}: nothing is written there")
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        self._known.add(folder)


def unwritable(place: str, error: OSError) -> PayloadError:
    """Why a file cannot be put in its place, in words."""
    shown = show_name(place)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PayloadError(
            f"cannot write {shown}: {error.strerror}; files written before it are whole",
            hint="make room and repeat the download, or choose a destination on another disk",
        )
    if isinstance(error, IsADirectoryError):
        return PayloadError(f"cannot write {shown}: there is a folder of that name")
    return PayloadError(f"cannot write {shown}: {error.strerror}")


def _spelled(folder: Path, names: tuple[str, ...]) -> Path:
    """A path below `folder`; a name that does not exist is taken for the one that differs by case only."""
    for name in names:
        if not os.path.lexists(folder / name) and os.path.isdir(folder):  # noqa: PTH112
            alike = [other.name for other in folder.iterdir() if other.name.casefold() == name.casefold()]
            folder = folder / (alike[0] if len(alike) == 1 else name)
        else:
            folder = folder / name
    return folder


def _nothing(tree: PayloadTree, pattern: Pattern, left_out: tuple[Entry, ...] = ()) -> str:
    existing = tree.path
    for name in pattern.fixed:
        if not os.path.isdir(existing / name):  # noqa: PTH112
            break
        existing = existing / name
    inside = [entry.name for entry in existing.iterdir()] if existing.is_dir() else []
    return nothing_matches(pattern, existing.relative_to(tree.path).parts, inside, left_out)


def nothing_matches(
    pattern: Pattern, where: Sequence[str], inside: Iterable[str], left_out: tuple[Entry, ...] = ()
) -> str:
    """What to say of a pattern that matches nothing.

    Args:
        where: names of the folders of its fixed part that exist.
        inside: what the last of them holds.
    """
    shown = "/" + "/".join((*pattern.fixed, *pattern.wild))
    listed = ", ".join(sorted(inside)[:_SHOWN])
    because = f" ({show_name(left_out[0].name)} does, but {left_out[0].fault})" if left_out else ""
    return show_name(
        f"nothing in the payload matches {shown}{because}; /{'/'.join(where)} holds {listed or 'no files'}"
    )
