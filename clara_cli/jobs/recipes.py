"""A recipe: the digest of all that makes an operator's output what it is, but for the content of its inputs.

What counts: the operator's definition with its values filled in, the job's name, the program's files, what its
Dockerfile says, the interpreter with the packages installed for it (by name and version), the environment passed on
from the user, and the version of clara. What does not: ids of jobs, times, what is requested of the machine, and
programs of the machine that an operator calls.
"""

from __future__ import annotations

import json
import os

# As `hashlib` has it, which loads OpenSSL first.
from _blake2 import blake2b
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from clara_cli import __version__
from clara_cli.images.placement import SKIPPED
from clara_cli.payloads.digest import Digester
from clara_cli.pipelines.model import Operator, to_json

if TYPE_CHECKING:
    from clara_cli.images.program import Program
    from clara_cli.runtime.plan import JobPlan

_INSTALLED = (".dist-info", ".egg-info", ".egg-link", ".pth")
_DOES_NOT_MATTER = ("description", "requests", "timeout")


def recipes(plan: JobPlan, digester: Digester, before: float | None = None) -> dict[str, str]:
    """The recipes of a job's operators by name; without those for which none can be told.

    What services and models answer is not known, so operators that need them have none.

    Args:
        before: seconds since 1970; a program that changed later has no recipe.
    """
    common = {"clara": __version__, "job": plan.job_name, "environment": dict(plan.user_environment)}
    programs: dict[int, object] = {}
    found = {}
    for operator in plan.pipeline.operators:
        program = plan.programs[operator.name]
        if id(program) not in programs:
            programs[id(program)] = _program(program, digester, before)
        content = programs[id(program)]
        if content is not None and not operator.services and not operator.models:
            found[operator.name] = _digest({**common, "operator": _definition(operator), "program": content})
    return found


def _definition(operator: Operator) -> dict[str, object]:
    return {key: value for key, value in to_json(operator).items() if key not in _DOES_NOT_MATTER}


def _program(program: Program, digester: Digester, before: float | None) -> Mapping[str, object] | None:
    """All that is known of a program; None when its files cannot be read, or changed."""
    files = []
    for item in program.placements:
        content = digester.folder(item.source, follow=True, skip=SKIPPED)
        if content is None or (before is not None and content.newest > before):
            return None
        files.append((item.target, item.source.is_dir(), content.digest))
    return {
        "files": files,
        "workdir": program.workdir,
        "entrypoint": program.entrypoint,
        "cmd": program.cmd,
        "environment": program.environment,
        "interpreter": _interpreter(program.interpreter),
    }


def _interpreter(path: Path) -> list[object]:
    """Which interpreter it is, and what is installed for it."""
    info = path.stat()
    home = path.parent.parent
    installed = [
        name
        for folder in sorted(home.glob("lib*/python3*/*-packages"))
        for name in sorted(os.listdir(folder))  # noqa: PTH208 - hundreds of names
        if os.path.splitext(name)[1] in _INSTALLED  # noqa: PTH122
    ]
    return [str(path), info.st_size, info.st_mtime_ns, installed]


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()
