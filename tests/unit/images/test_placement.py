"""COPY rules on real folders."""

from pathlib import Path

import pytest

from clara_cli.images.dockerfile import read_dockerfile
from clara_cli.images.placement import Placement, place, source_of

FILES = (
    "main.py",
    "a.txt",
    "b.txt",
    ".hidden",
    "lib/one.py",
    "lib/deep/two.py",
    ".git/config",
    "__pycache__/x.pyc",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my-operator"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def placed(folder: Path, lines: str) -> tuple[dict[str, str], list[str]]:
    (folder / "Dockerfile").write_text(f"FROM x\nWORKDIR /app\n{lines}\n")
    placements, warnings = place(folder, read_dockerfile(folder / "Dockerfile"))
    return {item.target: item.source.relative_to(folder).as_posix() for item in placements}, warnings


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("COPY . .", {"/app": "."}),
        ("COPY . /opt/x/", {"/opt/x": "."}),
        ("COPY main.py .", {"/app/main.py": "main.py"}),
        ("COPY main.py run.py", {"/app/run.py": "main.py"}),
        ("COPY main.py sub/", {"/app/sub/main.py": "main.py"}),
        ("COPY /main.py ../main.py /x/", {"/x/main.py": "main.py"}),
        ("COPY a.txt b.txt /x", {"/x/a.txt": "a.txt", "/x/b.txt": "b.txt"}),
        ("COPY *.txt /x/", {"/x/a.txt": "a.txt", "/x/b.txt": "b.txt"}),
        ("COPY [a].txt /x/", {"/x/a.txt": "a.txt"}),
        ("COPY ?.txt /x", {"/x/a.txt": "a.txt", "/x/b.txt": "b.txt"}),
        ("COPY none*.txt main.py /x/", {"/x/main.py": "main.py"}),
        ("COPY lib /x", {"/x": "lib"}),
        ("COPY lib /x/", {"/x": "lib"}),
        ("COPY lib/* /x/", {"/x": "lib/deep", "/x/one.py": "lib/one.py"}),
        ("COPY lib /x\nCOPY a.txt /x", {"/x": "lib", "/x/a.txt": "a.txt"}),
        ("COPY lib /x\nCOPY a.txt /x/deep", {"/x": "lib", "/x/deep/a.txt": "a.txt"}),
        ("COPY a.txt /x/y/\nCOPY b.txt /x", {"/x/y/a.txt": "a.txt", "/x/b.txt": "b.txt"}),
        ("COPY my-operator/main.py /x/", {"/x/main.py": "main.py"}),
        ("COPY my-operator /x", {"/x": "."}),
        ("COPY my-operator/*.txt /x/", {"/x/a.txt": "a.txt", "/x/b.txt": "b.txt"}),
    ],
)
def test_targets(folder: Path, lines: str, expected: dict[str, str]) -> None:
    found, warnings = placed(folder, lines)
    assert found == expected
    assert warnings == []


def test_hidden_files_match_and_skipped_folders_do_not(folder: Path) -> None:
    found, _ = placed(folder, "COPY * /x/")
    assert "/x/.hidden" in found
    assert not {".git", "__pycache__"} & set(found.values())


def test_a_missing_source_is_a_warning_with_its_line(folder: Path) -> None:
    found, warnings = placed(folder, "COPY main.py weights.bin /x/\nCOPY a**b /x/")
    assert found == {"/x/main.py": "main.py"}
    assert warnings == [f"{folder}/Dockerfile:3: weights.bin is not in {folder}"]


def test_source_of(folder: Path) -> None:
    items = [Placement(folder, "/app"), Placement(folder / "a.txt", "/app/main.py")]
    assert source_of(items, "/app/lib/one.py") == folder / "lib/one.py"
    assert source_of(items, "/app/main.py") == folder / "a.txt"
    assert source_of(items, "/app/none") is None
    assert source_of(items, "/else") is None
