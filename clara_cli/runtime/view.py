"""What one process of a job sees, and what of it is its own: the view that `namespace` turns into arguments.

This machine's files stay visible, read-only. Temporary folders and HOME are the process's own. Of what they hide,
the process keeps what it needs to run; and of HOME also what its command or its variables name. A name in a temporary
folder means the process's own, as it does in a container.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from clara_cli.runtime.namespace import Bind, View, below, settled

# Where the user's own HOME stands in a view; the HOME that a process has of its own leads there, entry by entry.
BEHIND = "/.clara/home"
# Lists of folders that programs and libraries are taken from.
_SEARCHED = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "CUDA_HOME")
_PATH = re.compile(r"/[^\s:;,'\"=<>|&()]+")


def view_of(
    binds: Iterable[Bind],
    cwd: Path,
    own: Path,
    words: Sequence[str],
    environment: Mapping[str, str],
    needed: Iterable[Path],
) -> View:
    """The view of one process; its own folders are made.

    Args:
        binds: declared folders, the program's files, and what else has to be seen.
        own: the folder for what only this process sees; nothing of it is kept.
        words: the command.
        needed: files and folders that have to stay visible.
    """
    # Many of them lie in the same folders.
    settle = partial(settled, real=cache(os.path.realpath))
    own_folders = [Bind(path, str(folder), True) for path, folder in _own_folders(own, environment, settle)]
    hidden = [bind.path for bind in own_folders]
    home = settle(environment["HOME"]) if environment.get("HOME", "").startswith("/") else ""
    searched = [path for name in _SEARCHED for path in environment.get(name, "").split(os.pathsep) if path]
    kept = [settle(path) for path in (*map(str, needed), *searched) if os.path.lexists(path)]
    kept += [path for path in _named(words, environment, settle) if below(path, home)] if home else []
    visible = {_whole(path, home) for path in kept}
    shown = [Bind(path, path) for path in _outermost(visible - set(hidden), hidden)]
    others = [Bind(settle(bind.path), bind.source, bind.writable) for bind in binds]
    behind = _home(home, own / "home", [*own_folders, *shown, *others]) if home in hidden else []
    return View((*behind, *own_folders, *shown, *others), str(cwd))


def forget(own: Path) -> None:
    """Remove what was a process's own, after its end."""
    shutil.rmtree(own, ignore_errors=True)


def _own_folders(own: Path, environment: Mapping[str, str], settle: Callable[[str], str]) -> Iterator[tuple[str, Path]]:
    """Path in the view and real folder of what is the process's own."""
    wanted = {"tmp": "/tmp", "var-tmp": "/var/tmp", "tmpdir": environment.get("TMPDIR", "")}
    wanted["home"] = environment.get("HOME", "")
    for name, path in wanted.items():
        if path.startswith("/") and path.strip("/"):
            folder = own / name
            folder.mkdir(parents=True, exist_ok=True)
            yield settle(path), folder


def _named(words: Iterable[str], environment: Mapping[str, str], settle: Callable[[str], str]) -> Iterator[str]:
    """The paths in a command and in variables that lead somewhere."""
    for text in (*words, *environment.values()):
        if "/" in text:
            yield from (settle(path) for path in _PATH.findall(text) if os.path.lexists(path))


def _outermost(paths: Iterable[str], hidden: Sequence[str]) -> list[str]:
    """Those of the paths that a hidden folder hides, without those that another one of them shows."""
    found: dict[str, str] = {}
    for path in sorted(paths):
        # Sorted paths come after the folders that they lie in; one hidden folder may lie in another.
        by = max((folder for folder in hidden if below(path, folder)), key=len, default=None)
        if by is not None and not any(below(path, other) and found[other] == by for other in found):
            found[path] = by
    return list(found)


def _whole(path: str, home: str) -> str:
    """The entry of HOME in which a path lies, else the path: what is not hidden there is visible as a whole."""
    if home and below(path, home):
        name = path[len(home) + 1 :].partition("/")[0]
        return path if name.startswith(".") else f"{home}/{name}"
    return path


def _home(home: str, folder: Path, others: Sequence[Bind]) -> list[Bind]:
    """The user's own HOME behind the process's: hidden entries (settings, keys, caches) are left out.

    Links and not mounts, because each mount takes time; but nothing can be mounted below a link.
    """
    found = [Bind(BEHIND, home)]
    try:
        names = sorted(entry.name for entry in os.scandir(home))
    except OSError:
        return []
    for name in names:
        path = f"{home}/{name}"
        if name.startswith("."):
            continue
        if any(bind.path == path or below(bind.path, path) for bind in others):
            found.append(Bind(path, path))
        else:
            (folder / name).symlink_to(f"{BEHIND}/{name}")
    return found


def python_folders(interpreter: Path) -> Iterator[Path]:
    """What an interpreter needs to run: itself, where it leads if it is a link, and the packages it shares."""
    while True:
        yield interpreter
        yield interpreter.parent.parent
        if not interpreter.is_symlink():
            break
        interpreter = interpreter.parent / interpreter.readlink()
    yield from (Path(sys.prefix), Path(sys.base_prefix))
    # A path without a folder, such as that of a zip file with the standard library, is not looked at.
    yield from (Path(path) for path in sys.path if path.startswith("/"))
