"""What the code may import, and what a command may load."""

from __future__ import annotations

import ast
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import clara_cli

PACKAGE = Path(clara_cli.__file__).parent
FRONT = {"cli.py", "clarac.py", "binaries.py", "commands", "output.py", "__main__.py"}
MODULES = sorted(
    name
    for _, name, _ in pkgutil.walk_packages([str(PACKAGE)], "clara_cli.")
    if "operator_path" not in name and not name.endswith("__main__")
)


def core_files() -> list[Path]:
    found = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in FRONT]
    assert len(found) > 40
    return found


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_the_core_knows_no_command_line_and_never_prints() -> None:
    for path in core_files():
        names = imported(path)
        assert not {name for name in names if name.split(".")[0] in ("click", "rich")}, path
        assert not {name for name in names if name.startswith(("clara_cli.commands", "clara_cli.cli"))}, path
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert "print" not in {call.func.id for call in calls if isinstance(call.func, ast.Name)}, path


def test_the_operators_module_knows_nothing_of_the_command_line() -> None:
    for path in (PACKAGE / "operator_path").rglob("*.py"):
        roots = {name.split(".")[0] for name in imported(path)}
        assert roots <= {*sys.stdlib_module_names, "clara", "numpy", "isal", "zlib_ng"}, path


# Who may import whom; a package may always import itself, errors, ids, config, root and database.
LAYERS = {
    "pipelines": set(),
    "fastio": set(),
    "images": {"pipelines"},
    "payloads": {"pipelines"},
    "models": {"payloads"},
    "runtime": {"pipelines", "images", "payloads", "fastio"},
    "slurm": {"pipelines"},
    "jobs": {"pipelines", "images", "payloads", "models", "runtime", "slurm"},
    "server": {"pipelines", "payloads", "models", "runtime", "jobs"},
    "doctor": {"fastio", "runtime", "jobs", "slurm"},
}


@pytest.mark.parametrize("package", LAYERS)
def test_imports_run_one_way(package: str) -> None:
    for path in (PACKAGE / package).glob("*.py"):
        packages = {name.split(".")[1] for name in imported(path) if name.startswith("clara_cli.")}
        assert packages & LAYERS.keys() <= LAYERS[package] | {package}, path


def loaded(*words: str) -> set[str]:
    """The modules that a command loads."""
    program = (
        "import sys\nfrom clara_cli.cli import cli\n"
        f"try:\n    cli({list(words)!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


HEAVY = {"numpy", "nibabel", "jsonschema", "rich", "dockerfile_parse", "subprocess", "asyncio"}


@pytest.mark.parametrize("words", [("--help",), ("list", "pipelines"), ("list", "jobs"), ("version",)])
def test_light_commands_load_nothing_heavy(words: tuple[str, ...]) -> None:
    modules = loaded(*words)
    program = "import sys, click, sqlite3; print(*sys.modules)"
    alone = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not modules & HEAVY - set(alone.stdout.split())
    assert "yaml" not in modules


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_imported_first(name: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {name}"], check=True, env={**os.environ})
