"""What dies in the middle, on a real Slurm: every job ends in a legal state, with a true message, and runs once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from slurm_cluster import Cluster
from support import Clara, Project, processes_of, wait_until

from clara_cli.slurm.states import BEGUN_BEFORE

pytestmark = pytest.mark.usefixtures("cluster", "no_mounts")

DEFINITION = "- name: a\n  container: {image: a}\n  output: [{path: /output}]\n"
PROGRAM = """
import os, time
with open("{folder}/ran", "a") as file:
    file.write("ran\\n")
while not os.path.exists("{folder}/open"):
    time.sleep(0.01)
"""


class Job:
    """A job that is detached on the cluster, and waits for its gate."""

    def __init__(self, clara: Clara, project: Project) -> None:
        project.operator("a", PROGRAM.format(folder=project.folder))
        self._clara = clara
        self._project = project
        self.id = clara.job(clara.pipeline(project.definition(DEFINITION, "0.4.0")))
        clara("start", "job", self.id, "--detach")

    @property
    def folder(self) -> Path:
        return Path(os.environ["CLARA_ROOT"]) / "jobs" / self.id

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._clara("describe", "job", self.id, "-o", "json").out)
        return found

    def began(self) -> dict[str, Any]:
        """What its runner wrote first, once its operator runs."""
        wait_until((self._project.folder / "ran").exists, "the operator")
        found: dict[str, Any] = json.loads((self.folder / "journal").read_text().splitlines()[0])
        return found

    def remote(self) -> str:
        return str(self.record()["slurm"]["job"])

    def open(self) -> None:
        (self._project.folder / "open").touch()

    def ran(self) -> int:
        return (self._project.folder / "ran").read_text().count("ran")

    def ends(self, status: str, said: str = "") -> None:
        """It ends so, with such a message, its operator with it, and ran once."""
        self._clara("wait", self.id, "--timeout", "90", code=None)
        record = self.record()
        assert (record["state"], record["status"]) == ("JOB_STATE_STOPPED", f"JOB_STATUS_{status}"), record
        assert said in "\n".join(message["text"] for message in record["messages"]), record["messages"]
        expected = "COMPLETED" if status == "HEALTHY" else "FAULTED"
        if record["started"] is not None:
            assert record["operator_details"][0]["status"] == f"JOB_OPERATOR_STATUS_{expected}"
            assert self.ran() == 1
        wait_until(lambda: processes_of(self.id) == [], "the end of its processes")


@pytest.fixture
def job(clara: Clara, project: Project) -> Job:
    return Job(clara, project)


def test_kill_9_of_the_runner(job: Job, clara: Clara) -> None:
    began = job.began()
    os.kill(began["pid"], signal.SIGKILL)
    job.ends("EVICTED", "the job's runner was killed by signal 9")
    assert f"clara start job -j {job.id} --resume" in clara("describe", "job", job.id).out
    job.open()
    clara("start", "job", "-j", job.id, "--resume")


def test_kill_9_of_slurmd(job: Job, cluster: Cluster) -> None:
    name = f"slurmd-{job.began()['node']}"
    cluster.kill(name)
    job.open()
    # Its runner goes on without, and says how it ends.
    job.ends("HEALTHY")
    cluster.start(name)
    cluster.wait(cluster.idle, "idle nodes")


def test_kill_9_of_slurmctld(job: Job, cluster: Cluster, clara: Clara, project: Project) -> None:
    job.began()
    cluster.kill("slurmctld")
    assert job.record()["state"] == "JOB_STATE_RUNNING"
    answer = clara("cancel", "job", job.id, code=1)
    assert "Slurm does not answer" in answer.err
    second = clara.job(clara.pipeline(project.definition(DEFINITION, "0.4.0")))
    assert "Slurm does not answer" in clara("start", "job", second, "--detach", code=1).err
    job.open()
    clara("wait", job.id, code=None)
    assert job.record()["state"] == "JOB_STATE_STOPPED"
    cluster.start("slurmctld")
    # A node whose job ended meanwhile tells of it again only after a while.
    cluster.wait(cluster.idle, "idle nodes", 120)
    assert job.ran() == 1


def test_slurmctld_restarted_in_the_middle(job: Job, cluster: Cluster) -> None:
    job.began()
    cluster.kill("slurmctld")
    cluster.start("slurmctld")
    job.open()
    job.ends("HEALTHY")


def test_a_node_that_fails(job: Job, cluster: Cluster) -> None:
    node = job.began()["node"]
    cluster.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    try:
        job.ends("EVICTED", f"its node failed (Slurm job {job.remote()} on {node}: NODE_FAIL")
    finally:
        # It may have come back by itself.
        cluster.run("scontrol", "update", f"nodename={node}", "state=resume", check=False)


def test_requeued_by_the_administrator(clara: Clara, project: Project, cluster: Cluster) -> None:
    project.configure("slurm: {extra: [--requeue]}\n")
    job = Job(clara, project)
    job.began()
    cluster.run("scontrol", "requeue", job.remote())
    job.ends("EVICTED", "Slurm stopped it and put it back into its queue, and a job runs once")
    cluster.wait(lambda: job.remote() not in cluster.run("squeue", "-h", "-o", "%A"), "it to be gone")


def test_a_second_runner_does_nothing(job: Job) -> None:
    job.began()
    words = [sys.executable, "-m", "clara_cli.jobs.node", str(job.folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == BEGUN_BEFORE and "a job runs once" in done.stderr
    job.open()
    job.ends("HEALTHY")


def test_forgotten_by_slurm(clara: Clara, project: Project, cluster: Cluster) -> None:
    project.configure("slurm: {extra: [--hold]}\n")
    job = Job(clara, project)
    cluster.kill("slurmctld")
    shutil.rmtree(cluster.folder / "state")
    (cluster.folder / "state").mkdir()
    cluster.start("slurmctld")
    cluster.wait(cluster.idle, "idle nodes")
    job.ends("EVICTED", "does not know job")


def test_the_time_limit_of_slurm(job: Job, cluster: Cluster) -> None:
    job.began()
    cluster.run("scontrol", "update", f"jobid={job.remote()}", "timelimit=00:00:01")
    job.ends("TERMINATED", "it took longer than Slurm's time limit (Slurm job")


def test_a_folder_that_the_node_does_not_see(clara: Clara, project: Project, cluster: Cluster) -> None:
    project.configure("slurm: {extra: [--hold]}\n")
    job = Job(clara, project)
    remote = job.remote()
    aside = job.folder.with_name("aside")
    job.folder.rename(aside)
    cluster.run("scontrol", "release", remote)
    cluster.wait(lambda: "FAILED" in cluster.run("squeue", "-h", "-t", "all", "-j", remote, "-o", "%T"), "its end")
    aside.rename(job.folder)
    job.ends(
        "FAULTED", "the job's folder is not there on the node: the root must be on a file system that all nodes see"
    )


def test_a_program_that_the_node_does_not_see(clara: Clara, project: Project, cluster: Cluster) -> None:
    project.configure("slurm: {extra: [--hold]}\n")
    job = Job(clara, project)
    shutil.rmtree(project.folder / "a")
    cluster.run("scontrol", "release", job.remote())
    clara("wait", job.id, code=1)
    messages = job.record()["messages"]
    assert f"a: its folder {project.folder / 'a'} is not on node n" in messages[-1]["text"]
    assert job.record()["status"] == "JOB_STATUS_FAULTED"
