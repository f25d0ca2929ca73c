"""`clara run --each`: one job for each volume of a folder, here on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from study import Study
from support import Clara, Project, installed_command, on_terminal, wait_until


@pytest.fixture
def study(project: Project, no_mounts: None) -> Study:
    return Study(project)


def test_one_job_for_each_volume(clara: Clara, study: Study) -> None:
    for number in range(7):
        study.volume(f"ct{number}.nii", f"{number}")
    study.volume("ct3.nii", "bad")
    study.volume(".hidden")
    answer = clara(*study.words(), code=1)
    assert study.ran() == [f"ct{number}.nii" for number in range(7)]
    assert study.kept() == [f"ct{number}.nii" for number in (0, 1, 2, 4, 5, 6)]
    assert (study.results / "ct6.nii" / "double" / "out").read_text() == "66"
    header, *rows = [line.split() for line in answer.lines]
    assert header == ["VOLUME", "STATUS", "JOB", "SECONDS", "REASON"]
    assert [row[0] for row in rows] == [f"ct{number}.nii" for number in range(7)]
    assert [row[1] for row in rows].count("JOB_STATUS_HEALTHY") == 6 and rows[3][1] == "JOB_STATUS_FAULTED"
    assert " ".join(rows[3][4:]) == "operator double failed: exit code 1; its last words: cannot read ct3.nii"
    assert (
        f"Error: ct3.nii: operator double failed: exit code 1; its last words: cannot read ct3.nii (job {rows[3][2]})"
        in (answer.err)
    )
    assert "6 of 7 ended well, 1 failed" in answer.err and "the same call with --resume" in answer.err
    assert {row[2] for row in rows} == set(clara("list", "jobs", "-q").lines)


def test_resume_runs_only_what_is_missing(clara: Clara, study: Study) -> None:
    for name in ("a", "b", "c"):
        study.volume(name, "bad" if name == "b" else "x")
    clara(*study.words(), code=1)
    study.ran()
    answer = clara(*study.words(), code=1)
    assert "holds results of 2 of the 3 volumes already" in answer.err and "--resume" in answer.err
    assert study.ran() == []
    study.volume("b", "y")
    study.volume("d", "z")
    answer = clara(*study.words("--resume"))
    assert study.ran() == ["b", "d"] and study.kept() == ["a", "b", "c", "d"]
    assert [line.split()[0] for line in answer.lines[1:]] == ["b", "d"]
    assert "2 of 4 volumes have their results: 2 to go" in answer.err
    answer = clara(*study.words("--resume"))
    assert answer.out == "" and study.ran() == []


def test_folders_and_patterns(clara: Clara, study: Study) -> None:
    for subject in ("sub-01", "sub-02"):
        study.volume(f"{subject}/anat/t1.nii", subject)
        study.volume(f"{subject}/func/bold.nii", "no")
    clara(*study.words("--pattern", "sub-*/anat", "-q"))
    assert study.kept() == ["sub-01/anat", "sub-02/anat"] and study.ran() == ["t1.nii", "t1.nii"]
    clara(*study.words("--pattern", "*/*/*.nii", "--resume"), code=None)
    for pattern, said in (
        ("../*", "expected a pattern below the folder"),
        ("/x", "expected a pattern below the folder"),
        ("**/*", "names both sub-01 and sub-01/anat, which is in it"),
    ):
        assert said in clara(*study.words("--pattern", pattern, "--resume"), code=2).err
    answer = clara(*study.words("--pattern", "*.mgz", "--resume"), code=1)
    assert f'no file or folder in {study.volumes} matches "*.mgz"' in answer.err


def test_wrong_calls(clara: Clara, study: Study) -> None:
    study.volume("a")
    definition, volumes = str(study.definition), str(study.volumes)
    for words, code, said in (
        ((definition, "--each", volumes), 2, "--each needs --output FOLDER"),
        ((definition, "--each", volumes, "-f", volumes, "-o", "r"), 2, "exclude each other"),
        ((definition, "--each", volumes, "-o", "r", "-n", "x"), 2, "--name is for one job"),
        ((definition, "--resume", "-o", "r"), 2, "add --each FOLDER"),
        ((definition, "--each", volumes, "-o", "r", "--detach"), 2, "--detach of --each needs --engine slurm"),
        ((definition, "--each", volumes, "-o", f"{volumes}/r"), 2, "the results cannot go into"),
        ((definition, "--each", f"{volumes}/none", "-o", "r"), 1, "there is no folder"),
        ((definition, "--each", volumes, "-o", f"{volumes}/a/r"), 2, "the results cannot go into"),
        ((definition, "--each", volumes, "-o", definition), 1, "cannot use the folder for the results"),
    ):
        assert said in clara("run", *words, code=code).err, words
    assert not Path("r").exists() and clara("list", "jobs", "-q").out == ""


def test_without_slurm_no_job_is_made(clara: Clara, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        study.volume(name)
    monkeypatch.setenv("PATH", str(study.volumes))
    answer = clara(*study.words("--engine", "slurm"), code=1)
    assert answer.out == "" and answer.err.count("there is no program") == 1
    assert clara("list", "jobs", "-q").out == "" and study.kept() == []


def test_only_some_operators_and_quiet(clara: Clara, study: Study) -> None:
    study.volume("a")
    answer = clara(*study.words("-q", "--only", "double"))
    assert answer.lines == clara("list", "jobs", "-q").lines


def test_ctrl_c_cancels_what_is_under_way_and_resume_goes_on(clara: Clara, study: Study) -> None:
    for number in range(30):
        study.volume(f"v{number:02}", "wait" if number else "x")
    code, shown = on_terminal(*study.words(), interrupt_when=lambda text: "1/30" in text)
    assert code == 130, shown
    assert study.kept() == ["v00"] and "not started" in shown
    assert "1 of 30 ended well, 0 failed, " in shown and "0 running, 0 waiting, 0 failed, " in shown
    states = clara("list", "jobs").out
    assert "RUNNING" not in states and "JOB_STATE_PENDING" not in states
    study.gate.touch()
    study.ran()
    clara(*study.words("--resume"))
    assert len(study.kept()) == 30 and study.ran() == [f"v{number:02}" for number in range(1, 30)]


def test_after_kill_9_nothing_is_half_there(clara: Clara, study: Study) -> None:
    for number in range(12):
        study.volume(f"v{number:02}", "wait" if number > 2 else "x")
    process = subprocess.Popen([installed_command(), *study.words()], stdout=subprocess.DEVNULL, stderr=-3)
    wait_until(lambda: len(list(study.results.glob("v*"))) == 3 and study.ran_file.read_text().count("\n") > 3, "three")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert study.kept() == ["v00", "v01", "v02"]
    study.gate.touch()
    study.ran()
    clara(*study.words("--resume"))
    assert len(study.kept()) == 12 and not set(study.ran()) & {"v00", "v01", "v02"}
    assert "RUNNING" not in clara("list", "jobs").out


def test_two_calls_do_not_work_in_one_folder(clara: Clara, study: Study) -> None:
    study.volume("a", "wait")
    process = subprocess.Popen([installed_command(), *study.words()], stdout=subprocess.DEVNULL, stderr=-3)
    wait_until((study.results / ".each" / "lock").exists, "the lock")
    assert "another clara run --each works in" in clara(*study.words("--resume"), code=1).err
    study.gate.touch()
    assert process.wait(60) == 0


def test_any_name_of_a_file(clara: Clara, study: Study) -> None:
    names = [b"with blank", b"new\nline", b"caf\xe9", "Größe".encode()]
    for name in names:
        (study.volumes / os.fsdecode(name)).write_text("x")
    clara(*study.words())
    assert sorted(os.listdir(os.fsencode(study.results))) == sorted(names)


def test_hundred_volumes_with_broken_ones(clara: Clara, study: Study) -> None:
    for number in range(100):
        study.volume(f"v{number:03}", "bad" if number % 5 == 0 else "x")
    answer = clara(*study.words(), code=1)
    assert len(study.kept()) == 80 and "80 of 100 ended well, 20 failed" in answer.err
    assert answer.out.count("JOB_STATUS_FAULTED") == 20
