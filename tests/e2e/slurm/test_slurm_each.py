"""`clara run --each` on a real Slurm: the volumes of a study as one array of jobs."""

from __future__ import annotations

import signal
import subprocess

import pytest
from slurm_cluster import Cluster
from study import Study
from support import Clara, Project, installed_command, wait_until

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture
def study(project: Project, no_mounts: None) -> Study:
    return Study(project)


def arrays(cluster: Cluster) -> set[str]:
    """Slurm's numbers of the jobs that it knows, an array counted once."""
    return set(cluster.run("squeue", "-h", "-r", "-t", "all", "-n", "clara:test-pipeline", "-o", "%F").split())


def test_two_hundred_volumes_with_three_broken(clara: Clara, study: Study, cluster: Cluster) -> None:
    broken = {7, 77, 177}
    for number in range(200):
        study.volume(f"v{number:03}", "bad" if number in broken else "x")
    before = arrays(cluster)
    answer = clara(*study.words(), code=1)
    # One, unless making the jobs takes long: the first then begin before the last are made.
    assert 1 <= len(arrays(cluster) - before) <= 10
    assert len(study.kept()) == 197 and len(study.ran()) == 200
    failed = [line.split() for line in answer.lines if "JOB_STATUS_FAULTED" in line]
    assert [row[0] for row in failed] == ["v007", "v077", "v177"]
    assert answer.out.count("JOB_STATUS_HEALTHY") == 197
    assert "Error: v077: operator double failed: exit code 1; its last words: cannot read v077 (job " in answer.err
    assert "197 of 200 ended well, 3 failed" in answer.err
    for number in broken:
        study.volume(f"v{number:03}", "x")
    clara(*study.words("--resume"))
    assert study.ran() == ["v007", "v077", "v177"] and len(study.kept()) == 200


def test_detached_and_followed_later(clara: Clara, study: Study) -> None:
    for number in range(6):
        study.volume(f"v{number}", "wait")
    answer = clara(*study.words("--detach"))
    assert "the same call with --resume" in answer.err and study.kept() == []
    wait_until(study.ran_file.exists, "the first operator")
    study.gate.touch()
    clara(*study.words("--resume"))
    assert len(study.kept()) == 6 and study.ran() == [f"v{number}" for number in range(6)]


def test_after_kill_9_of_the_command_jobs_go_on_and_none_runs_twice(clara: Clara, study: Study) -> None:
    for number in range(6):
        study.volume(f"v{number}", "wait" if number else "x")
    process = subprocess.Popen([installed_command(), *study.words()], stdout=subprocess.DEVNULL, stderr=-3)
    wait_until((study.results / "v0").exists, "the first results")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "go on elsewhere" in clara(*study.words("--resume", "--engine", "local"), code=1).err
    study.gate.touch()
    clara(*study.words("--resume"))
    assert len(study.kept()) == 6 and study.ran() == [f"v{number}" for number in range(6)]


def test_ctrl_c_cancels_the_array(clara: Clara, study: Study, cluster: Cluster) -> None:
    for number in range(6):
        study.volume(f"v{number}", "wait" if number else "x")
    process = subprocess.Popen(
        [installed_command(), *study.words()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_until((study.results / "v0").exists, "the first results")
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=90)
    assert process.returncode == 130, said
    assert out.count("JOB_STATUS_CANCELED") == 5 and study.kept() == ["v0"]
    cluster.wait(cluster.idle, "idle nodes")


def test_what_no_node_has_is_said_once_and_nothing_waits(clara: Clara, study: Study, cluster: Cluster) -> None:
    text = study.definition.read_text()
    study.definition.write_text(text + "  requests: {cpu: 64}\n")
    for number in range(20):
        study.volume(f"v{number:02}")
    answer = clara(*study.words(), code=1)
    assert "the job asks for 64 cores, and the largest node of the default partition has 2" in answer.err
    assert answer.err.count("Error: ") == 10 and answer.out.count("JOB_STATUS_FAULTED") == 20
    assert cluster.run("squeue", "-h") == "" and not study.results.exists()
