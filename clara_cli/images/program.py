"""The local program that stands for a container image, and the arguments it is started with."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clara_cli.errors import ImageError
from clara_cli.images.placement import Placement, place, source_of

if TYPE_CHECKING:
    from clara_cli.images.dockerfile import Dockerfile

# What a program asks of its Python.
REQUIREMENTS = "requirements.txt"
# Where a folder without a Dockerfile appears in the container's view; commands often spell it `/app/main.py`.
DEFAULT_WORKDIR = "/app"
# First words that cannot be meant for a main.py. Other names count as its arguments, also where this machine happens
# to have a program of that name: `test`, `split` and `convert` are stages of real pipelines.
_LAUNCHERS = frozenset({"sh", "bash", "dash", "env", "nice", "time", "timeout"})
_NONE: Mapping[str, str] = {}
_MAIN = ("python", "-u", "main.py")
_PYTHON = re.compile(r"(?:/.*/)?python(?:3(?:\.\d+)?)?")


class Program(NamedTuple):
    """A program on this machine.

    Attributes:
        folder: where it lives; never written to.
        interpreter: what `python` means for it.
        uses_driver: whether it was registered as waiting for its inputs itself.
        origin: where it was found, for people.
        workdir: container path of the folder it starts in.
        entrypoint: argument list, as in Docker; empty when there is none.
        cmd: argument list, as in Docker; empty when there is none.
        environment: variables the image sets, in terms of container paths.
        placements: what appears where in the container's view.
        has_dockerfile: whether the above was read from a Dockerfile.
        interpreter_given: whether somebody chose the interpreter, so that it is not replaced.
        warnings: what the Dockerfile asks for and the program will not get.
        notices: what else is worth knowing when it is started.
    """

    folder: Path
    interpreter: Path
    uses_driver: bool = False
    origin: str = ""
    workdir: str = DEFAULT_WORKDIR
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    environment: Mapping[str, str] = _NONE
    placements: tuple[Placement, ...] = ()
    has_dockerfile: bool = False
    interpreter_given: bool = False
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def is_program_folder(folder: Path) -> bool:
    """Whether a folder says how it is started: by a Dockerfile or by `main.py`."""
    return (folder / "Dockerfile").is_file() or (folder / "main.py").is_file()


def read_program(
    folder: Path, *, interpreter: Path | None = None, uses_driver: bool = False, origin: str = ""
) -> Program:
    """The program of a folder.

    Raises:
        ImageError: the folder is missing or has neither Dockerfile nor main.py, the Dockerfile is malformed,
            or the interpreter cannot be started.
    """
    check_folder(folder)
    if interpreter is not None:
        check_interpreter(interpreter)
    common = Program(
        *(folder, interpreter or Path(sys.executable), uses_driver, origin or str(folder)),
        interpreter_given=interpreter is not None,
    )
    path = folder / "Dockerfile"
    if path.is_file():
        from clara_cli.images.dockerfile import read_dockerfile

        return _from_dockerfile(common, read_dockerfile(path))
    return common._replace(entrypoint=_MAIN, placements=(Placement(folder, DEFAULT_WORKDIR),))


def check_folder(folder: Path) -> None:
    """Raise ImageError unless the folder is there and says how it is started."""
    if not folder.is_dir():
        raise ImageError(f"{folder}: there is no such folder")
    if not is_program_folder(folder):
        raise ImageError(
            f"{folder}: has neither a Dockerfile nor a main.py, so it is not known how to start it",
            hint="Put the program's Dockerfile or its main.py there, or name another folder.",
        )


def check_interpreter(interpreter: Path) -> None:
    """Raise ImageError unless the interpreter is an executable file."""
    if not interpreter.is_file() or not os.access(interpreter, os.X_OK):
        raise ImageError(
            f"{interpreter}: is not an interpreter that can be started",
            hint="give the path of a python, or the name of one that is on PATH",
        )


def is_python(word: str) -> bool:
    """Whether an argument list's first word is python, by whatever path the image has it."""
    return _PYTHON.fullmatch(word) is not None


def argv(program: Program, command: Sequence[str] = ()) -> tuple[str, ...]:
    """The argument list in terms of the container, from the image and the definition's `container.command`.

    With an entry point the command is its arguments, in place of CMD; without one it is the whole list.

    Raises:
        ImageError: nothing says what to run.
    """
    given = tuple(command)
    if not program.has_dockerfile and given and _is_program(program, given[0]):
        return given
    if program.entrypoint:
        return (*program.entrypoint, *(given or program.cmd))
    if given or program.cmd:
        return given or program.cmd
    if source_of(program.placements, posixpath.join(program.workdir, "main.py")):
        return _MAIN
    raise ImageError(
        f"{program.folder}: nothing to run: its Dockerfile has neither ENTRYPOINT nor CMD, "
        f"{program.workdir} has no main.py, and the definition gives no command",
        hint="Add an ENTRYPOINT to the Dockerfile, or container.command to the operator.",
    )


def _is_program(program: Program, word: str) -> bool:
    """Whether a command starts with a program of its own, rather than with an argument of main.py."""
    if is_python(word) or posixpath.basename(word) in _LAUNCHERS:
        return True
    if word.startswith("/") and shutil.which(word):
        return True
    placed = source_of(program.placements, posixpath.join(program.workdir, word)) if "/" in word else None
    return placed is not None and placed.is_file() and os.access(placed, os.X_OK)


def _from_dockerfile(program: Program, dockerfile: Dockerfile) -> Program:
    placements, warnings = place(program.folder, dockerfile)
    if not placements:
        # Its files come from a base image or another stage; the folder is what there is of them here.
        placements = [Placement(program.folder, dockerfile.workdir)]
        warnings.append(f"{dockerfile.path}: copies no file of the folder; the folder stands at {dockerfile.workdir}")
    return program._replace(
        workdir=dockerfile.workdir,
        entrypoint=dockerfile.entrypoint,
        cmd=dockerfile.cmd,
        environment=dockerfile.environment,
        placements=tuple(placements),
        has_dockerfile=True,
        warnings=(*dockerfile.warnings, *warnings),
    )
