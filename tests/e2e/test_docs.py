"""The documents run: what they show is what happens."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import nibabel
import numpy as np
import pytest
from support import EXAMPLE, REPOSITORY, nibabel_volumes

from clara_cli.cli import cli
from clara_cli.commands.examples import EXAMPLES
from clara_cli.runtime.environment import PASSED_ON, PASSED_ON_PREFIXES

Shell = Callable[..., subprocess.CompletedProcess[str]]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").glob("*.md")]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def test_the_readmes_session_runs_as_it_stands(shell: Shell, tmp_path: Path) -> None:
    (session,) = blocks(REPOSITORY / "README.md", "bash")
    lines = session.replace("<folder>/<file>.nii.gz", str(nibabel_volumes() / "anatomical.nii"))
    lines = lines.replace("<JOB ID>", "$(clara list jobs -q | head -1)").replace(" result", f" {tmp_path}/result")
    done = shell(f"set -e\n{lines}", cwd=EXAMPLE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("true\n")


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_operator_page_lists_what_is_passed_on() -> None:
    text = (REPOSITORY / "docs" / "operators.md").read_text()
    for name in (*PASSED_ON, *(f"{prefix}*" for prefix in PASSED_ON_PREFIXES)):
        assert f"`{name}`" in text or name.lower().endswith("_proxy"), name


def test_the_operator_pages_program_runs_alone(tmp_path: Path) -> None:
    program, _ = blocks(REPOSITORY / "docs" / "operators.md", "python")
    compile(program, "operators.md", "exec")
    handler = program.split("driver = ")[0].replace('payload.fastio_output_entries["segmentation"]', "Stub()")
    stub = "import numpy\nclass Stub:\n    def update_shape(self, shape):\n        self.array = numpy.ones(shape)\n"
    (tmp_path / "page.py").write_text(f"{stub}{handler}execute(None, None)\n")
    subprocess.run([sys.executable, str(tmp_path / "page.py")], check=True)


def test_the_operator_pages_volume_is_read(tmp_path: Path) -> None:
    _, program = blocks(REPOSITORY / "docs" / "operators.md", "python")
    nibabel.save(nibabel.load(nibabel_volumes() / "anatomical.nii"), tmp_path / "scan.nii.gz")
    scan = SimpleNamespace(update_shape=lambda *shape: setattr(scan, "array", np.zeros(shape, "f4")))
    folder = SimpleNamespace(path=str(tmp_path))
    space: dict[str, Any] = {}
    exec(compile(program, "operators.md", "exec"), space)
    space["execute"](None, SimpleNamespace(input_entries=[folder], fastio_output_entries={"scan": scan}))
    assert scan.array.shape == (1, 33, 41, 25) and scan.array.any()


def test_the_architecture_page_names_folders_that_exist() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text()
    for name in re.findall(r"`((?:clara_cli|schemas)[\w/]*/)`", text):
        assert (REPOSITORY / name).is_dir(), name
    for name in re.findall(r"`([a-z_]+/[a-z_]+\.py)`", text):
        assert (REPOSITORY / "clara_cli" / name.removeprefix("clara_cli/")).is_file(), name


def maker() -> Any:
    """`docs/make_commands.py` as a module."""
    path = REPOSITORY / "docs" / "make_commands.py"
    spec = importlib.util.spec_from_file_location("make_commands", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_page_is_what_the_help_says() -> None:
    made = maker()
    assert made.PAGE.read_text() == made.render(), "run: python docs/make_commands.py"


LEAVES = [words for words in maker().commands(cli) if words]


@pytest.mark.parametrize("words", LEAVES)
def test_every_command_has_examples_that_its_parser_takes(words: tuple[str, ...]) -> None:
    context = click.Context(cli, info_name="clara")
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(context, word)
        assert found is not None
        command, context = found, click.Context(found, parent=context, info_name=word)
    if isinstance(command, click.Group):
        return
    lines = EXAMPLES[" ".join(words)].splitlines()
    assert lines
    for line in lines:
        called = shlex.split(re.search(r"clara [^|)>]*", line)[0])  # type: ignore[index]
        assert [word.removesuffix("s") for word in called[1 : len(words) + 1]] == [
            word.removesuffix("s") for word in words
        ]
        command.make_parser(context).parse_args(called[len(words) + 1 :])
        assert line in context.get_help()
