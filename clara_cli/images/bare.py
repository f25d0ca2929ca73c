"""Images that are a bare system or interpreter: what runs in them is a command that this machine has too."""

from __future__ import annotations

import posixpath
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from clara_cli.errors import ImageError
from clara_cli.images.program import Program, is_python
from clara_cli.images.reference import Reference

_SYSTEMS = frozenset(
    {"almalinux", "alpine", "amazonlinux", "archlinux", "bash", "busybox", "buildpack-deps", "centos", "clearlinux"}
    | {"debian", "fedora", "mageia", "opensuse/leap", "opensuse/tumbleweed", "oraclelinux", "photon", "rockylinux"}
    | {"scratch", "ubuntu"}
)
_INTERPRETERS = frozenset({"node", "perl", "php", "pypy", "python", "ruby", "r-base"})
_REGISTRIES = ("docker.io/", "index.docker.io/", "registry-1.docker.io/", "registry.hub.docker.com/")


def is_bare(reference: Reference) -> bool:
    """Whether an image is known to hold a system or an interpreter and nothing else."""
    name = reference.name.lower()
    for registry in _REGISTRIES:
        name = name.removeprefix(registry)
    return name.removeprefix("library/") in _SYSTEMS | _INTERPRETERS


def bare_program(reference: Reference, command: Sequence[str]) -> Program:
    """The program for a bare image: none of its own, so the command runs on this machine as it is.

    Raises:
        ImageError: there is no command, or this machine has no such program.
    """
    register = f"register a program for it (clara create image -n {reference} -p FOLDER)"
    if not command:
        raise ImageError(
            f"image {reference} is a bare system or interpreter, and the definition gives no command to run in it",
            hint=f"add container.command to the operator, or {register}",
        )
    word = command[0]
    if not is_python(word) and not _is_here(word):
        raise ImageError(
            f"image {reference} is a bare system or interpreter, and this machine has no program {word} to run for it",
            hint=f"install {posixpath.basename(word)}, or {register}",
        )
    return Program(
        folder=Path("/"),
        interpreter=Path(sys.executable),
        origin=f"this machine, for the bare image {reference}",
        workdir="/",
        has_dockerfile=True,
        interpreter_given=True,
        notices=(f"image {reference} is a bare system or interpreter: its command runs on this machine as it is",),
    )


def _is_here(word: str) -> bool:
    """Whether a command's first word can be run; a path may be one of the job's own folders."""
    if "/" in word and not word.startswith(("/bin/", "/sbin/", "/usr/")):
        return True
    return shutil.which(word) is not None or shutil.which(posixpath.basename(word)) is not None
