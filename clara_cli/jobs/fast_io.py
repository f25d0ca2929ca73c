"""`--fast-io`: what operators need for it, and who cannot have it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from clara_cli.images.program import Program

_CHECK = "import isal.isal_zlib"


def with_fast_io(programs: Mapping[str, Program]) -> dict[str, Program]:
    """The programs, with a warning for each whose Python has no isal: it runs as it is."""
    return {name: program if _has_isal(program.interpreter) else _warned(program) for name, program in programs.items()}


def _warned(program: Program) -> Program:
    said = f"--fast-io has no effect: {program.interpreter} has no package isal"
    return program._replace(warnings=(*program.warnings, said))


@cache
def _has_isal(interpreter: Path) -> bool:
    try:
        done = subprocess.run(
            [str(interpreter), "-c", _CHECK], check=False, capture_output=True, stdin=subprocess.DEVNULL
        )
    except OSError:
        return False
    return done.returncode == 0
