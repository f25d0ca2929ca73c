"""A process's view of this machine's files, as arguments of bubblewrap.

The new root is empty. The folders at this machine's top are put into it, read-only, and what the view adds goes on
top. A read-only folder cannot take a new mount point: where the view adds something that is not there, the folder is
put together from its children instead. Nothing is made here; what exists is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

# Processes of their own, which end with the process that started them, and no terminal to write commands into.
_APART = ("--unshare-pid", "--die-with-parent", "--new-session")
# Devices stay, GPUs and shared memory among them; a process sees only its own kind in /proc.
_KERNEL = ("--proc", "/proc", "--dev-bind", "/dev", "/dev")


class Bind(NamedTuple):
    """A folder or file of this machine (`source`) at an absolute path of the view."""

    path: str
    source: str
    writable: bool = False


class View(NamedTuple):
    """What a process sees beside this machine's own files; where two binds have one path the later one counts."""

    binds: tuple[Bind, ...]
    cwd: str = "/"


def arguments(view: View) -> list[str]:
    """The arguments of bubblewrap up to the command; absolute paths without `.`, `..` and surplus slashes."""
    binds = sorted({bind.path: bind for bind in view.binds}.values(), key=lambda bind: bind.path.count("/"))
    words = [*_APART, *_split("/", "/", binds), *_KERNEL]
    for place, bind in enumerate(binds):
        words += _laid(bind.path, bind.source, bind.writable, binds[place + 1 :])
    return [*words, "--chdir", view.cwd]


def below(path: str, folder: str) -> bool:
    """Whether a path lies in a folder (or further below it)."""
    return path.startswith(folder.rstrip("/") + "/") and path != folder


def settled(path: str, real: Callable[[str], str] = os.path.realpath) -> str:
    """The path under which something appears when links among the folders above it are followed."""
    folder, _, name = os.path.normpath(path).rpartition("/")
    return os.path.join(real(folder or "/"), name)  # noqa: PTH118 - no Path: `//` and speed


def _laid(path: str, source: str, writable: bool, binds: Sequence[Bind]) -> list[str]:
    """A folder or file at its place, in one piece if the mount points of what comes on top exist or can be made."""
    inner = [bind for bind in binds if below(bind.path, path)]
    if writable or all(_is_there(source + bind.path[len(path) :]) for bind in _nearest(inner)):
        return ["--bind" if writable else "--ro-bind", source, path]
    return _split(path, source, inner)


def _split(path: str, source: str, binds: Sequence[Bind]) -> list[str]:
    """A read-only folder, child by child, without those that something else stands for."""
    taken = {bind.path for bind in binds}
    words: list[str] = []
    for name, link in _children(source):
        place = f"{path.rstrip('/')}/{name}"
        real = f"{source.rstrip('/')}/{name}"
        if place in taken or place in ("/proc", "/dev"):
            continue
        words += ["--symlink", link, place] if link else _laid(place, real, False, binds)
    return words


def _children(folder: str) -> Iterator[tuple[str, str]]:
    """Names in a folder, and where they lead if they are links; none of a folder that must not be read."""
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda item: item.name):
                yield entry.name, str(Path(entry.path).readlink()) if entry.is_symlink() else ""
    except OSError:
        return


def _nearest(binds: Iterable[Bind]) -> list[Bind]:
    """Those that do not lie below another one."""
    found: list[Bind] = []
    for bind in binds:
        if not any(below(bind.path, other.path) for other in found):
            found.append(bind)
    return found


def _is_there(path: str) -> bool:
    return os.path.exists(path) and not os.path.islink(path)  # noqa: PTH110, PTH114 - many of them
