"""The page about the definition language says what is so."""

from __future__ import annotations

import json
import re

import pytest
from support import REPOSITORY, Clara

from clara_cli.commands.validate import KEYS
from clara_cli.pipelines.load import load_files
from clara_cli.pipelines.scope import JOB_NAMES

PAGE = (REPOSITORY / "docs" / "definitions.md").read_text()
BLOCKS = re.findall(r"(?:^`([\w/.]+)`:\n\n)?^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
IMPORTED = {path: text for path, text in BLOCKS if path}
PIPELINES = [text for path, text in BLOCKS if not path]


@pytest.mark.parametrize("text", PIPELINES, ids=lambda text: re.search("^name: (.*)$", text, re.MULTILINE)[1])
def test_every_block_is_valid_and_without_warning(text: str) -> None:
    files = [("page.yaml", text.encode()), *((path, part.encode()) for path, part in IMPORTED.items())]
    loaded = load_files(files)
    assert loaded.warnings == ()
    values = {"IMAGE": "i"} if "IMAGE" in loaded.parameters else {}
    filled = load_files(files, values, dict.fromkeys(JOB_NAMES, "a1"))
    assert "${{" not in str(filled.pipeline)


def test_the_page_has_a_block_for_each_part() -> None:
    assert len(PIPELINES) == 5
    assert set(IMPORTED) == {"parts/reader.yaml", "parts/writer.yaml"}
    assert all(f"`{name}`" in PAGE for name in JOB_NAMES)


def test_the_json_on_the_page_is_what_the_command_prints(clara: Clara, tmp_path) -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (problem,) = json.loads(shown)
    assert tuple(problem) == KEYS
    path = tmp_path / "pipeline.yaml"
    path.write_text(
        "api-version: 0.5.0\nname: p\noperators:\n- name: a\n  container: {image: i}\n  output:\n  - type: arry\n"
        "    name: x\n"
    )
    (printed,) = json.loads(clara("validate", "pipeline", "-p", path, "--output", "json", code=1).out)
    assert {**printed, "file": "pipeline.yaml"} == problem
