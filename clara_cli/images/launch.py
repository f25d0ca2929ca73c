"""Everything needed to start a program: its arguments, folder and variables in real paths."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from clara_cli.images.pathmap import PathMap
from clara_cli.images.placement import source_of
from clara_cli.images.program import Program, argv, is_python
from clara_cli.images.workfolder import WorkFolder, lay_out, own_paths

# Where a container looks for programs when its image does not say otherwise.
_PROGRAM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
# Top folders of this machine where an image's files are not mounted.
_OURS = frozenset({"bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "tmp", "usr", "var"})


class Launch(NamedTuple):
    """How to start a process.

    Attributes:
        argv: argument list; the first is an absolute path, or a bare name to be found on PATH.
        cwd: the folder to start in.
        environment: variables the image sets; PATH among them when the image sets it.
        path_prefix: goes before PATH (the image's, if set here): its `python` is the program's interpreter.
        files: container path → real path of what has to be seen there, for a process with mounts.
    """

    argv: tuple[str, ...]
    cwd: Path
    environment: dict[str, str]
    path_prefix: Path
    files: Mapping[str, Path] = MappingProxyType({})


def launch(
    program: Program,
    command: Sequence[str],
    target: Path,
    mounts: Mapping[str, str | os.PathLike[str]],
    inherited: Mapping[str, str] | None = None,
    inside: bool = False,
) -> Launch:
    """Lay the program out below `target` and say how to start it.

    Args:
        command: the definition's `container.command`; may be empty.
        target: a fresh folder, made when missing.
        mounts: declared input and output paths → real folders; these hide the program's own files.
        inherited: variables that stand for those of the base image; those of this process when not given.
        inside: the process has mounts: it sees the declared paths, and the program's files where the image has them
            unless this machine has something there; these paths stay as they are.

    Raises:
        ImageError: nothing says what to run, or the files cannot be laid out.
    """
    words = argv(program, command)
    variables = os.environ if inherited is None else inherited
    files = _seen(program, target, mounts) if inside else {}
    links = {path: path for path in mounts if not _is_under(path, files)} if inside else mounts
    folder = lay_out(program, target, links)
    pairs = {path: real for path, real in folder.paths.pairs.items() if not _is_under(path, files)}
    paths = PathMap(pairs).joined({path: path for path in (*files, *mounts)} if inside else mounts)
    first = _first(words[0], program, folder, paths)
    cwd = Path(program.workdir) if _is_under(program.workdir, files) else folder.cwd
    environment = _environment(program, paths, variables)
    return Launch((first, *(paths.apply(word) for word in words[1:])), cwd, environment, folder.path_prefix, files)


def _seen(program: Program, target: Path, mounts: Iterable[str]) -> dict[str, Path]:
    """The image's files that a process with mounts sees at their container paths, as few as cover all."""
    found: dict[str, Path] = {}
    for path, real in sorted(own_paths(program, target).items()):
        # In folders that this machine has too, each mount would take many.
        ours = path.split("/")[1] in _OURS or os.path.lexists(path)
        if not ours and not _is_under(path, (*found, *mounts)):
            found[path] = real
    return found


def _is_under(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _environment(program: Program, paths: PathMap, inherited: Mapping[str, str]) -> dict[str, str]:
    """The image's variables; what this machine puts in place of the base image's is not mapped."""
    if not program.environment:
        return {}
    from clara_cli.images.stage import INHERITED

    environment = {}
    for name, value in program.environment.items():
        real = paths.apply(value)
        for variable, reference in INHERITED.items():
            real = real.replace(reference, inherited.get(variable, ""))
        environment[name] = real
    return environment


def _first(word: str, program: Program, folder: WorkFolder, paths: PathMap) -> str:
    """What the first word means on this machine."""
    placed = "/" in word and source_of(program.placements, posixpath.join(program.workdir, word)) is not None
    if is_python(word) and not placed:
        return str(program.interpreter)
    if "/" not in word:
        return _placed_program(word, program, folder) or word
    if not word.startswith("/"):
        return str(folder.cwd / word)
    mapped = paths.apply(word)
    if mapped != word or Path(word).exists() or _is_under(word, paths.pairs):
        return mapped
    # A program of the base image, such as /usr/bin/bash: this machine may have it elsewhere.
    return posixpath.basename(word) or word


def _placed_program(word: str, program: Program, folder: WorkFolder) -> str | None:
    """A bare name that the image itself put into one of its folders of programs."""
    own = [part for part in program.environment.get("PATH", "").split(":") if part.startswith("/")]
    for place in (*own, *_PROGRAM_FOLDERS):
        path = posixpath.join(place, word)
        source = source_of(program.placements, path)
        if source is not None and source.is_file():
            return str(folder.root / path.lstrip("/"))
    return None
