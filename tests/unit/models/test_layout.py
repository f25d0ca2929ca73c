"""Triton's layout of a model's folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.errors import ClaraError, PayloadError
from clara_cli.models.layout import check_model

CONFIG = """# a comment with "name: x"
name: "liver"  # and another {
platform: "tensorflow_graphdef"
max_batch_size: 1
input [ { name: "in" data_type: TYPE_FP32 dims: [ 1, -1 ] } ]
parameters { key: "k" value: { string_value: "a } b" } }
"""


def model(folder: Path, *files: str, config: str | None = CONFIG) -> Path:
    folder.mkdir(parents=True)
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    if config is not None:
        (folder / "config.pbtxt").write_text(config)
    return folder


def test_a_model_that_fits(tmp_path: Path) -> None:
    found = check_model(model(tmp_path / "liver", "10/model.graphdef", "2/model.graphdef", "labels.txt"), None)
    assert (found.name, found.type, found.versions, found.warnings) == ("liver", "tensorflow", (2, 10), ())


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("model.plan", "tensorrt"),
        ("model.pt", "pytorch"),
        ("model.savedmodel/saved_model.pb", "tensorflow"),
        ("model.onnx", "unknown"),
    ],
)
def test_the_type_is_what_the_files_say(tmp_path: Path, file: str, kind: str) -> None:
    assert check_model(model(tmp_path / "liver", f"1/{file}"), None).type == kind


@pytest.mark.parametrize(
    ("files", "config", "kind", "told"),
    [
        (["model.pt"], CONFIG, None, r"has no version folder \(folders in it: none\)"),
        (["v1/model.pt", "01/x", "0/x"], CONFIG, None, r"no version folder \(folders in it: 0, 01, v1\)"),
        (["1/model.plan"], CONFIG, "pytorch", r"version .*/1 has no model.pt \(it holds model.plan\)"),
        (["1/a.pb"], CONFIG, "tensorflow", r"has no model.savedmodel or model.graphdef \(it holds a.pb\)"),
        (["1/model.pt"], 'name: "lung"', None, 'says name: "lung", but the folder is called liver'),
        (["1/model.pt"], "input [ {", None, "braces do not match"),
        (["1/model.pt"], "}", None, "braces do not match"),
        (["1/model.pt"], None, None, "has no config.pbtxt"),
        (["1/model.pt", "2/model.onnx"], CONFIG, "pytorch", "version .*/2 has no model.pt"),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, files: list[str], config: str | None, kind: str | None, told: str
) -> None:
    with pytest.raises(PayloadError, match=told) as error:
        check_model(model(tmp_path / "liver", *files, config=config), kind)
    if "name:" not in told and "braces" not in told:
        assert "expected Triton's layout: liver/config.pbtxt and liver/1/" in (error.value.hint or "")


def test_an_empty_version_is_no_model_but_may_be_an_ensemble(tmp_path: Path) -> None:
    folder = model(tmp_path / "liver")
    (folder / "1").mkdir()
    with pytest.raises(PayloadError, match=r"has no model \(it is empty\)"):
        check_model(folder, None)
    (folder / "config.pbtxt").write_text('platform: "ensemble"')
    assert check_model(folder, None).versions == (1,)


def test_a_name_of_its_own_for_the_file(tmp_path: Path) -> None:
    folder = model(tmp_path / "liver", "1/my.bin", config='default_model_filename: "my.bin"')
    assert check_model(folder, "pytorch").type == "pytorch"


def test_a_model_without_a_configuration_may_describe_itself(tmp_path: Path) -> None:
    found = check_model(model(tmp_path / "liver", "1/model.onnx", config=None), None)
    assert "--strict-model-config=false" in found.warnings[0]


def test_a_folder_of_models_is_no_model(tmp_path: Path) -> None:
    for name in ("a", "b"):
        model(tmp_path / "repository" / name, "1/model.pt", config=f"name: '{name}'")
    with pytest.raises(PayloadError, match="holds several models, it is none itself: a, b"):
        check_model(tmp_path / "repository", None)
    with pytest.raises(PayloadError, match="is missing: expected the folder"):
        check_model(tmp_path / "none", None)
    with pytest.raises(ClaraError, match='"onnx" is no type of model: expected tensorflow, tensorrt, pytorch, unknown'):
        check_model(tmp_path / "repository", "onnx")


@given(st.text(st.sampled_from("a{}[]:\"'#\\\n ,;1"), max_size=60))
def test_any_configuration_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = model(tmp_path_factory.mktemp("m") / "liver", "1/model.pt", config=text)
    try:
        check_model(folder, None)
    except PayloadError as error:
        assert "config.pbtxt" in error.message or "version" in error.message
