"""Python environments of programs whose `requirements.txt` the Python that runs `clara` does not satisfy.

Each is made once, in a folder named after what it is made from, and used by every program that asks for the same.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from clara_cli.errors import ClaraError, ImageError
from clara_cli.images.make_environment import Progress, make_environment, python_of
from clara_cli.images.program import REQUIREMENTS, Program
from clara_cli.images.requirements import Requirements, read_requirements, unsatisfied


class Environments:
    """The environments in a folder.

    Args:
        mode: for one that is needed and was not made: `ask` raises an error that says how, `auto` makes it, `never`
            uses the Python that runs `clara` all the same.
    """

    def __init__(self, folder: Path, mode: str = "ask") -> None:
        self._folder = folder
        self._mode = mode

    def wanted(self, program: Program) -> tuple[Requirements, list[str]] | None:
        """What an environment of the program's own has to hold, and why it needs one; None when it needs none.

        Raises:
            ImageError: its requirements cannot be read.
        """
        if program.interpreter_given or self._mode == "never":
            return None
        requirements = read_requirements(program.folder)
        missing = unsatisfied(requirements) if requirements is not None else []
        return (requirements, missing) if requirements is not None and missing else None

    def folder_of(self, requirements: Requirements) -> Path:
        """Where the environment of such requirements is, or would be."""
        return self._folder / requirements.digest(f"{sys.executable} {sys.version}")

    def equip(self, program: Program, image: str, progress: Progress | None = None) -> Program:
        """The program, with the interpreter of its own environment where it needs one.

        Args:
            image: how the definition names it, for messages.

        Raises:
            ImageError: it was not made, or cannot be made.
        """
        found = self.wanted(program)
        if found is None:
            return program
        requirements, missing = found
        folder = self.folder_of(requirements)
        python = python_of(folder)
        if python is None and self._mode != "auto":
            raise ImageError(
                f"{program.folder / REQUIREMENTS} asks for what the Python that runs clara does not have: "
                f"{', '.join(missing)}",
                hint=f"clara create image -n {image} -p {program.folder} --venv\n"
                "or name a Python that has it with --python instead of --venv; in the configuration, `venv: auto` "
                "makes environments at the start, and `venv: never` runs with what there is",
            )
        return program._replace(interpreter=python or make_environment(folder, requirements, image, progress))

    def equip_all(
        self, programs: Mapping[str, Program], images: Mapping[str, str], progress: Progress | None
    ) -> tuple[dict[str, Program], list[ClaraError]]:
        """`equip` for all programs of a job, by the same keys as their images; errors are collected."""
        equipped: dict[str, Program] = {}
        errors: list[ClaraError] = []
        for name, program in programs.items():
            try:
                equipped[name] = self.equip(program, images[name], progress)
            except ImageError as error:
                errors.append(error)
        return equipped, errors
