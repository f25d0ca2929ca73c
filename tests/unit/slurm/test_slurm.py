"""Slurm's words: what is asked by sbatch, and what the answers of squeue and sacct mean."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from clara_cli.config import make_config
from clara_cli.errors import ConfigError
from clara_cli.jobs.node import allotment
from clara_cli.jobs.states import JobEvent
from clara_cli.runtime.capacity import Machine
from clara_cli.slurm.command import SlurmRefusal, SlurmSilence, ask
from clara_cli.slurm.look import read_sacct, read_squeue
from clara_cli.slurm.requests import RUNNER, Ask
from clara_cli.slurm.script import batch_script, sbatch_words
from clara_cli.slurm.states import BEGUN_BEFORE, NO_FOLDER, NO_PYTHON, End, Phase, Seen, verdict
from clara_cli.slurm_options import NO_OPTIONS, SlurmOptions


def test_the_words_of_sbatch() -> None:
    words = sbatch_words("lung seg;rm", 1, "normal", Ask(2, None, 0), NO_OPTIONS)
    assert words[:3] == ["sbatch", "--parsable", "--job-name=clara:lung-seg-rm"]
    assert "--no-requeue" in words and "--cpus-per-task=2" in words and "--nice=100" in words
    assert not [word for word in words if word.startswith(("--mem", "--gres", "--time", "--array", "--qos"))]
    options = SlurmOptions("gpu", "lab", "a100", "course", {"high": "fast", "": "usual"}, 500, ("--exclude=n7",))
    words = sbatch_words("x", 200, "high", Ask(8, 4256, 2, 90.0), options)
    assert words[-1] == "--exclude=n7"
    wanted = {"--mem=4256M", "--gres=gpu:2", "--time=7", "--nice=10", "--partition=gpu", "--account=lab"}
    assert wanted | {"--constraint=a100", "--reservation=course", "--qos=fast", "--array=0-199"} <= set(words)
    assert "--mem=500M" in (words := sbatch_words("x", 1, "low", Ask(1, None, 0), options)) and "--qos=usual" in words


def test_the_script_finds_its_job(tmp_path: Path) -> None:
    package = tmp_path / "a 'package"
    package.mkdir()
    python = tmp_path / "py thon"
    python.write_text('#!/bin/sh\necho "$PWD|$*"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    folder = tmp_path / "jo bs"
    for name in ("aa", "bb"):
        (folder / name).mkdir(parents=True)
    script = batch_script(folder, ["aa", "bb", "cc"], str(python), package)

    def run(task: str, text: str = script) -> int:
        return subprocess.run(["sh"], input=text, text=True, env={"SLURM_ARRAY_TASK_ID": task}, check=False).returncode

    assert run("1") == 0
    assert (folder / "bb" / "runner.log").read_text() == f"{package}|-m clara_cli.jobs.node {folder}/bb\n"
    assert run("2") == NO_FOLDER
    assert run("0", batch_script(folder, ["aa"], "/no/python", package)) == NO_PYTHON
    assert run("0", batch_script(folder, ["aa"], str(python), tmp_path / "no")) == NO_PYTHON


def test_what_squeue_and_sacct_say() -> None:
    text = "12_3 |PENDING |Resources | |0 |\n7 |FAILED |NonZeroExitCode |n0 |18432 |\n".replace(" |\n", "\n")
    assert read_squeue(text) == {
        "12_3": Seen("PENDING", "Resources", "", 0),
        "7": Seen("FAILED", "NonZeroExitCode", "n0", NO_FOLDER),
    }
    assert read_squeue("nonsense\n\n") == {}
    assert read_squeue("7|FAILED|None|n0|3:0\n") == {"7": Seen("FAILED", "", "n0", 3)}
    text = "12_3|CANCELLED by 1000|None|n1|0:15\n7|OUT_OF_MEMORY||n2|0:125\nx|y\n"
    assert read_sacct(text) == {"12_3": Seen("CANCELLED", "", "n1", 0), "7": Seen("OUT_OF_MEMORY", "", "n2", 0)}


@pytest.mark.parametrize("state", ["PENDING", "CONFIGURING", "REQUEUED", "RUNNING", "COMPLETING", "SUSPENDED"])
def test_states_that_are_no_end(state: str) -> None:
    assert Seen(state).phase is not Phase.ENDED


@pytest.mark.parametrize(
    ("seen", "end", "words"),
    [
        (Seen("NODE_FAIL", "", "n1", 0), End.EVICT, "its node failed (Slurm job 12 on n1: NODE_FAIL)"),
        (
            Seen("TIMEOUT", "TimeLimit", "n1", 0),
            End.TERMINATE,
            "Slurm's time limit (Slurm job 12 on n1: TIMEOUT, TimeLimit)",
        ),
        (Seen("PREEMPTED"), End.EVICT, "another job of the cluster took its place"),
        (Seen("OUT_OF_MEMORY"), End.FAULT, "it used more memory than it had asked for"),
        (Seen("DEADLINE"), End.TERMINATE, "deadline"),
        (Seen("FAILED", "", "n1", NO_FOLDER), End.FAULT, "the root must be on a file system that all nodes see"),
        (Seen("FAILED", "", "n1", NO_PYTHON), End.FAULT, "clara is not there on the node"),
        (Seen("FAILED", "", "n1", BEGUN_BEFORE), End.EVICT, "a job runs once"),
        (Seen("FAILED", "", "n1", 9), End.EVICT, "ended without notice (Slurm job 12 on n1: FAILED, status 9)"),
        (Seen("SOMETHING_NEW"), End.EVICT, "SOMETHING_NEW"),
        (None, End.EVICT, "Slurm does not know job 12 any more"),
    ],
)
def test_verdicts(seen: Seen | None, end: End, words: str) -> None:
    found = verdict("12", seen)
    assert found.end is end and words in found.text
    JobEvent(found.end.value)  # an event that jobs have


def test_what_waits_for_ever() -> None:
    assert Seen("PENDING", "BadConstraints").stuck and not Seen("PENDING", "Resources").stuck
    assert not Seen("RUNNING", "BadConstraints").stuck


def test_a_nodes_share() -> None:
    machine = Machine(64, 256_000, ("0", "1", "2", "3"))
    assert allotment(machine, {}) == Machine(64, 256_000, ())
    environment = {"SLURM_CPUS_ON_NODE": "4", "SLURM_MEM_PER_NODE": "4256", "CUDA_VISIBLE_DEVICES": "0,1"}
    assert allotment(machine, environment) == Machine(4, 4256 - RUNNER, ("0", "1"))
    assert allotment(machine, {"SLURM_JOB_GPUS": "3"}).gpus == ("3",)


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_calls_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program(tmp_path, "down", "echo 'x: error: Unable to contact slurm controller (connect failure)' >&2; exit 1")
    program(tmp_path, "no", "echo 'sbatch: error: Batch job submission failed: Invalid account' >&2; exit 1")
    program(tmp_path, "slow", "sleep 5")
    program(tmp_path, "mute", "exit 3")
    program(tmp_path, "clean", "env")
    with pytest.raises(SlurmSilence, match="Slurm does not answer: Unable to contact slurm controller"):
        ask(["down"])
    with pytest.raises(SlurmRefusal, match=r"^Batch job submission failed: Invalid account$"):
        ask(["no"])
    with pytest.raises(SlurmSilence, match=r"did not answer within 0\.1 s"):
        ask(["slow"], seconds=0.1)
    with pytest.raises(SlurmRefusal, match="ended with status 3"):
        ask(["mute"])
    with pytest.raises(SlurmSilence, match="no program sbatch-of-nobody"):
        ask(["sbatch-of-nobody"])
    monkeypatch.setenv("SECRET", "s")
    monkeypatch.setenv("SBATCH_PARTITION", "p")
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    said = ask(["clean"])
    assert "SBATCH_PARTITION=p" in said and "SECRET" not in said and "SLURM_JOB_ID" not in said


def test_the_configuration() -> None:
    path = Path("/c/config.yaml")
    values = {"engine": "slurm", "slurm": {"partition": "gpu", "qos": "fast", "memory": 500, "extra": "--a --b"}}
    config = make_config(values, path, {})
    assert config.engine == "slurm" and config.slurm == SlurmOptions(
        "gpu", qos={"": "fast"}, memory=500, extra=("--a", "--b")
    )
    assert make_config({}, path, {"CLARA_ENGINE": "slurm"}).engine == "slurm"
    for wrong, said in (
        ({"engine": "lsf"}, 'engine is "lsf": expected local or slurm'),
        ({"slurm": {"queue": "x"}}, "queue is no option: expected partition"),
        ({"slurm": {"partition": 3}}, "partition must be a text"),
        ({"slurm": {"qos": {"urgent": "x"}}}, "qos must be a text, or one for each of low"),
        ({"slurm": {"extra": {"a": 1}}}, "extra must be a list of words"),
        ({"slurm": {"memory": "lots"}}, "memory must be a whole number"),
    ):
        with pytest.raises(ConfigError, match=said):
            make_config(dict(wrong), path, {})
