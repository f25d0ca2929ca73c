"""What a `requirements.txt` asks for, and what this very Python has of it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from clara_cli.errors import ImageError
from clara_cli.images.requirements import Requirements, read_requirements, unsatisfied


def requirements(folder: Path, text: str) -> Requirements:
    (folder / "requirements.txt").write_text(text)
    found = read_requirements(folder)
    assert found is not None
    return found


def test_no_file_no_requirements(tmp_path: Path) -> None:
    assert read_requirements(tmp_path) is None


def test_lines_are_read_as_pip_does(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("pyyaml\n-r requirements.txt\n")
    (tmp_path / "limits.txt").write_text("numpy<99\n")
    (tmp_path / "wheels").mkdir()
    (tmp_path / "own-1-py3-none-any.whl").write_bytes(b"x")
    found = requirements(
        tmp_path,
        "\ufeff# comment\n\nnumpy>=1.23  # why\nclick >= 8 \\\n  --hash=sha256:00\n"
        "-r more.txt\n--constraint=limits.txt\n"
        "-f ./wheels\n./own-1-py3-none-any.whl\nclara\nNVIDIA_clara.pipeline-driver==0.7\n--pre\n"
        "https://host/x.whl#sha\n",
    )
    assert found.lines == (
        "numpy>=1.23",
        "click >= 8    --hash=sha256:00",
        "pyyaml",
        f"--constraint {tmp_path}/limits.txt",
        f"-f {tmp_path}/wheels",
        f"{tmp_path}/own-1-py3-none-any.whl",
        "--pre",
        "https://host/x.whl#sha",
    )
    assert unsatisfied(found) == [f"{tmp_path}/own-1-py3-none-any.whl", "https://host/x.whl#sha"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("numpy", None),
        ("NumPy>=1.0", None),
        ("numpy==0.1; python_version<'3'", None),
        ("numpy @ https://host/numpy.whl", None),
        ("numpy==0.1", f"numpy==0.1 ({version('numpy')} is installed)"),
        ("no-such-thing>=2", "no-such-thing>=2 (not installed)"),
        ("clara-cli[test]", None),
        ("tiny", None),
        ("tiny[x]", "tiny[x]: no-such-thing (not installed)"),
        ("-e ./x", "-e ./x"),
        ("--index-url https://host/simple", None),
    ],
)
def test_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, told: str | None) -> None:
    installed = tmp_path / "site" / "tiny-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tiny\nVersion: 1\nProvides-Extra: x\n"
        "Requires-Dist: no-such-thing; extra == 'x'\nRequires-Dist: numpy\n"
    )
    monkeypatch.syspath_prepend(str(installed.parent))
    found = unsatisfied(requirements(tmp_path, line))
    assert found == [] if told is None else len(found) == 1 and found[0].startswith(told)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none\.txt: cannot be read"):
        requirements(tmp_path, "-r none.txt\n")


def test_the_digest_changes_with_what_makes_a_difference(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "setup.py").write_text("1")
    first = requirements(tmp_path, "./own\nclick\n").digest("python")
    assert requirements(tmp_path, "# comment\n./own\nclick # x\n").digest("python") == first
    (tmp_path / "own" / "setup.py").write_text("2")
    other = requirements(tmp_path, "./own\nclick\n").digest("python")
    assert len({first, other, requirements(tmp_path, "./own\n").digest("python")}) == 3
    assert requirements(tmp_path, "./own\nclick\n").digest("python 2") != other
