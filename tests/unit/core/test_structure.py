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
FRONT = {"cli.py", "entry.py", "clarac.py", "binaries.py", "commands", "output.py", "__main__.py"}
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
    "site": {"pipelines", "images", "payloads", "models", "runtime", "jobs"},
    "server": {"pipelines", "images", "payloads", "models", "runtime", "jobs", "site"},
    "remote": {"pipelines", "images", "payloads", "models", "runtime", "jobs", "site", "server"},
    "doctor": {"fastio", "runtime", "jobs", "slurm"},
    "console": {"pipelines", "images", "payloads", "models", "runtime", "jobs", "fastio", "server", "volumes"},
    "volumes": {"payloads", "fastio", "runtime"},
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


HEAVY = {
    *("numpy", "nibabel", "jsonschema", "rich", "dockerfile_parse", "subprocess", "asyncio", "json"),
    *("dataclasses", "locale", "signal", "tempfile", "importlib.metadata", "platformdirs", "difflib"),
}


@pytest.mark.parametrize("words", [("--help",), ("list", "pipelines"), ("list", "jobs"), ("version",)])
def test_light_commands_load_nothing_heavy(words: tuple[str, ...]) -> None:
    modules = loaded(*words)
    program = "import sys, click, sqlite3; print(*sys.modules)"
    alone = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not modules & HEAVY - set(alone.stdout.split())
    assert "yaml" not in modules


# Modules of clara itself that a command loads. More of them make every call slower: is a new one needed at once?
MOST = {("--help",): 14, ("list", "jobs"): 31, ("list", "pipelines"): 30, ("version",): 19}


@pytest.mark.parametrize("words", MOST)
def test_light_commands_load_few_modules(words: tuple[str, ...], tmp_path: Path) -> None:
    own = {name for name in loaded(*words) if name.startswith("clara_cli")}
    assert len(own) <= MOST[words], sorted(own)


def test_what_is_registered_for_the_end_happens_and_the_status_stays() -> None:
    program = (
        "import atexit, sys\nfrom clara_cli.entry import leave\nprint('out', end=' ')\n"
        "atexit.register(print, 'at the end')\nleave({})\nprint('not left')"
    )
    for status, code in (("None", 0), ("3", 3), ("True", 1)):
        done = subprocess.run(
            [sys.executable, "-c", program.format(status)], check=False, capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (code, "out at the end\n")


def test_threads_that_run_are_waited_for() -> None:
    program = (
        "import threading, time\nfrom clara_cli.entry import leave\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('done'))).start()\nleave(0)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n")


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_imported_first(name: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {name}"], check=True, env={**os.environ})
