"""Which complaints of a program are taken for one about a declared path."""

from __future__ import annotations

from pathlib import Path

import pytest

from clara_cli.runtime.unseen import explain_unseen

PATHS = ("/input", "/data/out")


@pytest.mark.parametrize(
    "line",
    [
        "FileNotFoundError: [Errno 2] No such file or directory: '/input'",
        "cp: cannot stat '/input/a.txt': No such file or directory",
        "ls: cannot access '/input': No such file or directory",
        "mkdir: cannot create directory '/data/out': Permission denied",
        "touch: cannot touch '/data/out/x': Read-only file system",
        'Error: ENOENT: no such file or directory, open "/input/volume.nii"',
        "sh: 1: cannot create /data/out/x: Directory nonexistent",
        "RuntimeError: unable to open /input/volume.mhd",
    ],
)
def test_complaints_about_a_declared_path(tmp_path: Path, line: str) -> None:
    log = tmp_path / "log"
    log.write_text(f"begun\n{line}\n")
    assert explain_unseen(log, PATHS, "bubblewrap is not installed")
    first, second, said = log.read_text().splitlines()
    assert (first, second) == ("begun", line)
    named = "/input" if "/input" in line else "/data/out"
    assert said.startswith(f"clara: this program names {named} itself, and ran without mounts: bubblewrap is not inst")


@pytest.mark.parametrize(
    "line",
    [
        "FileNotFoundError: [Errno 2] No such file or directory: '/root/payloads/1/input/x'",
        "No such file or directory: '/input2'",
        "No such file or directory: /my/data/out",
        "No such file or directory: config.json",
        "reading /input",
        "",
    ],
)
def test_other_faults_are_left_alone(tmp_path: Path, line: str) -> None:
    log = tmp_path / "log"
    log.write_text(f"{line}\n")
    assert not explain_unseen(log, PATHS, "x")
    assert log.read_text() == f"{line}\n"


def test_no_log_and_many_lines(tmp_path: Path) -> None:
    assert not explain_unseen(tmp_path / "none", PATHS, "x")
    log = tmp_path / "log"
    log.write_text("No such file or directory: '/input'\n" + "later\n" * 100)
    assert not explain_unseen(log, PATHS, "x")
