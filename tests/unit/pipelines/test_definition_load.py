"""Files: what comes out, and that nothing but a DefinitionError ever does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.pipelines.definition_texts import (
    ALL_TYPES,
    HELLO,
    UNTYPED,
    VALID,
    WALKTHROUGH,
    brief,
    loaded,
    refused,
)

from clara_cli.errors import DefinitionError, NotFound
from clara_cli.pipelines import source
from clara_cli.pipelines.load import check, load_pipeline
from clara_cli.pipelines.model import FastIOType, Input, Output, Requests, from_json, to_json
from clara_cli.pipelines.refusal import MAX_SHOWN


@pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
def test_valid_definitions_survive_storing(text):
    pipeline = loaded(text).pipeline
    assert from_json(to_json(pipeline)) == pipeline


def test_the_walkthrough():
    pipeline = loaded(WALKTHROUGH).pipeline
    assert (pipeline.name, pipeline.api_version, pipeline.orchestrator) == (
        "fastio-passthrough-dynamic-pipeline",
        "0.5.0",
        "Clara",
    )
    first, second, third = pipeline.operators
    assert first.inputs == (Input(path="/input", element_type="nifti"),)
    assert first.outputs == (
        Output("segmentation", fastio=FastIOType("float32", (1, -1, -1, -1))),
        Output("segmentation_shape", fastio=FastIOType("int32", (4,))),
    )
    assert second.sources == {"nifti-to-fastio"}
    assert third.image == "clara/compare-input-to-npz"
    assert third.inputs[1] == Input("fastio-to-npz", "numpy_npz", "/npz", "npz")


def test_an_untyped_pipeline():
    writer, _reader, register = loaded(UNTYPED).pipeline.operators
    assert writer.tag == "18.04"
    assert writer.command == ("/bin/bash", "-c", "run $(NAME) $NAME", "8")
    # Those of the container lie below those of the operator.
    assert writer.variables == {"TRACE": "0.30", "LABELS": '[\\"Lung\\"]', "EMPTY": "", "ON": "on"}
    assert writer.requests == Requests(4, 1, 8192)
    assert writer.inputs == (Input("reader", "", "/input"), Input(None, "", "/dicom"))
    assert register.inputs[0].name == "dicom"
    assert register.tag == "latest"


def test_all_types():
    maker, taker = loaded(ALL_TYPES).pipeline.operators
    assert loaded(ALL_TYPES).pipeline.timeout == 90
    assert [port.fastio for port in maker.outputs] == [
        FastIOType("uint8", (-1,), string=True),
        FastIOType("float32", (1,)),
        FastIOType("uint8", (0, 3)),
        None,
        None,
    ]
    assert [port.name for port in taker.inputs] == ["text", "score", "volume", "files", "plain"]


def test_a_missing_version_is_the_default():
    pipeline = loaded(HELLO.replace("api-version: 0.3.0\n", "")).pipeline
    assert (pipeline.api_version, pipeline.orchestrator) == ("0.4.0", "Clara")


def test_files(tmp_path):
    path = tmp_path / "pipeline.yaml"
    path.write_text(HELLO)
    assert load_pipeline(path).files == (("pipeline.yaml", HELLO.encode()),)
    path.write_text("name: [\n")
    with pytest.raises(DefinitionError) as caught:
        load_pipeline(path)
    assert caught.value.message.startswith(f"{path}:1:8: ")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(NotFound, match="there is no file"):
        load_pipeline(tmp_path / "none.yaml")
    with pytest.raises(DefinitionError, match="no pipeline in"):
        load_pipeline(tmp_path)
    with pytest.raises(DefinitionError, match="cannot be read"):
        load_pipeline(Path("a\0b"))
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(DefinitionError, match="cannot be read: Too many levels"):
        load_pipeline(loop)


def test_an_endless_file_is_read_to_the_bound_only(monkeypatch):
    monkeypatch.setattr(source, "MAX_BYTES", 1000)
    with pytest.raises(DefinitionError, match="too large"):
        load_pipeline(Path("/dev/zero"))


def test_the_message_shows_all_problems_in_order():
    error = refused("name: a b\nx: 1\noperators: []\n")
    assert [brief(problem)[:3] for problem in error.problems] == ["1:7", "2:1", "3:1"]
    assert str(error) == error.message
    assert error.message.splitlines()[:3] == [
        'p.yaml:1:7: name: found "a b", expected a name of 1 to 255 Latin letters, digits, "-" and "_"',
        "    1 | name: a b",
        "      |       ^",
    ]
    assert error.message.endswith("2 errors, 1 warning in p.yaml")
    assert "error" not in refused("name: p\noperators: []\n").message


def test_a_long_message_is_cut():
    error = refused(WALKTHROUGH + "".join(f"k{number}: 1\n" for number in range(100)) + "timeout: 0\n")
    assert len(error.problems) == 101
    assert error.message.endswith(f"1 error, 100 warnings in p.yaml; the first {MAX_SHOWN} are shown")


def test_an_error_behind_many_warnings_is_shown():
    warnings = "".join(f"k{number}: 1\n" for number in range(100))
    assert "timeout: found 0" in refused(WALKTHROUGH + warnings + "timeout: 0\n").message


def test_importing_the_language_leaves_heavy_packages_alone():
    code = (
        "import sys, clara_cli.pipelines.load\n"
        "print(sorted({'jsonschema', 'referencing', 'click', 'rich', 'numpy'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout == "[]\n"


def judged(content: bytes) -> None:
    """The content gives a pipeline, or problems whose places are in the file."""
    try:
        result = check("p.yaml", content)
    except DefinitionError as error:
        assert error.message
        assert error.problems
        problems = error.problems
    else:
        assert from_json(to_json(result.pipeline)) == result.pipeline
        problems = result.warnings
    codec = next((name for mark, name, _ in source._MARKS if content.startswith(mark)), "utf-8")
    lines = len(re.split("\r\n|[\n\r\x85\u2028\u2029]", content.decode(codec, "replace")))
    for problem in problems:
        assert 1 <= problem.line <= lines
        assert 1 <= problem.column <= len(content) + 1
        if problem.excerpt is not None:
            assert problem.column <= len(problem.excerpt) + 1
        problem.render()


PIECES = [
    *["", " ", "  ", "\n", "\n- ", ": ", "- ", "#", "'", '"', "[", "]", "{", "}", "&a ", "*a", "<<: ", "!x ", "|\n"],
    *["null", "0", "-1", "-2", "1e400", ".inf", ".nan", "0b_", "true", "[]", "{}", "[1.0]", "[.inf]", "..", "/", "é"],
    *["type: ", "shape: ", "from: ", "path: ", "name: ", "stream", "array", "string", "u8", "0.4.0", "0.7.0", "9.9"],
    *["${{ x }}", "import: ", "parameters: ", "models: ", "services: ", "format: ", "\t", "\x00", "\u2028", "\ud83d"],
    *["variables: ", "requests: ", "orchestrator: ", "Argo", "api-version: ", "operators: ", "---\n", "? "],
]
TOKENS = st.sampled_from(PIECES).map(lambda piece: piece.encode("utf-8", "surrogatepass"))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(VALID)), st.data())
def test_mutations_give_a_result_or_places_in_the_file(name, data):
    content = VALID[name].encode()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 12)))
        content = content[:start] + data.draw(TOKENS) + content[end:]
    judged(content)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(VALID)), st.data())
def test_replaced_values_give_a_result_or_places_in_the_file(name, data):
    lines = VALID[name].splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[number].partition(":")
        if colon and not key.startswith("#"):
            lines[number] = f"{key}: {data.draw(st.sampled_from(PIECES))}".replace("\ud83d", "")
        else:
            del lines[number]
        lines = lines or [""]
    judged("\n".join(lines).encode())


@given(st.binary(max_size=200))
def test_any_bytes(content):
    judged(content)


@given(st.text(alphabet="ab:-[]{}#'\"&*!|>%@ \n\t?,<~\\", max_size=60))
def test_any_yaml_like_text(text):
    judged(text.encode())
