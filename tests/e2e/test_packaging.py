"""The wheel holds what it must, and works where nothing else of the checkout is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import EXAMPLE, REPOSITORY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the checkout, so that building leaves no traces in it."""
    source = tmp_path_factory.mktemp("source") / "clara"
    ignored = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__")
    shutil.copytree(REPOSITORY, source, ignore=ignored)
    target = source.parent / "dist"
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(target), str(source)]
    subprocess.run(command, check=True)
    (found,) = target.glob("*.whl")
    return found


def test_the_wheel_holds_exactly_the_tree(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = REPOSITORY / "clara_cli"
    protos = (REPOSITORY / "schemas" / "proto").rglob("*.proto")
    operators = package / "operator_path" / "clara"
    expected = {
        *(f"clara_cli/{path.relative_to(package)}" for path in package.rglob("*.py")),
        *(f"clara/{path.name}" for path in operators.glob("*.py")),
        *(f"clara_cli/{path.relative_to(package)}" for path in package.rglob("*.pyi")),
        *(f"clara_cli/schemas/{path.name}" for path in (REPOSITORY / "schemas").glob("*.json")),
        *(f"clara_cli/schemas/{path.relative_to(REPOSITORY / 'schemas')}" for path in protos),
        *("clara_cli/schemas/__init__.py", "clara_cli/py.typed", "clara/py.typed"),
        "clara_cli/operator_path/clara/py.typed",
        *(
            f"clara_cli/{path.relative_to(package)}"
            for folder in ("templates", "static")
            for path in (package / "console" / folder).rglob("*.*")
        ),
    }
    assert packed == expected


def test_the_wheel_works_by_itself(wheel: Path, tmp_path: Path, world: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    definition = EXAMPLE / "fastio-passthrough-dynamic-pipeline.yaml"
    program = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import clara_cli, clara; assert clara_cli.__file__.startswith(sys.path[0]), clara_cli.__file__\n"
        "from clara_cli.cli import cli\n"
        f"cli(['create', 'pipelines', '-p', {str(definition)!r}], prog_name='clara')"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import site, sys; site.main()\n{program}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PIPELINE_ID: ")
