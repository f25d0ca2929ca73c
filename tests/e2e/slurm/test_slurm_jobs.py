"""Jobs on a real Slurm of two nodes: from start to results, as on one machine."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import grpc
import pytest
from platform_support import Client, Server, accepted, server_in
from slurm_cluster import Cluster
from support import EXAMPLE, Clara, Project, installed_command, nibabel_volumes, on_terminal, wait_until

from clara_cli.server.wire import jobs_pb2
from clara_cli.server.wire.common_pb2 import Identifier
from clara_cli.slurm.look import largest_node

pytestmark = pytest.mark.usefixtures("cluster")

ONE = "- name: a\n  container: {image: a}\n"
# Says on which node it is, and runs until its gate is there.
GATED = """
import os, time
print("on", os.uname().nodename, flush=True)
while not os.path.exists("{folder}/open"):
    time.sleep(0.01)
print("through", flush=True)
"""


@pytest.fixture
def gated(clara: Clara, project: Project, no_mounts: None) -> str:
    """A pipeline of one operator that waits for its gate; returns its id."""
    project.operator("a", GATED.format(folder=project.folder))
    return clara.pipeline(project.definition(ONE, "0.4.0"))


def described(clara: Clara, job: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(clara("describe", "job", job, "-o", "json").out)
    return found


def ended(clara: Clara, job: str) -> tuple[object, object]:
    found = described(clara, job)
    return found["state"], found["status"]


def texts(clara: Clara, job: str) -> str:
    messages = described(clara, job)["messages"]
    assert isinstance(messages, list)
    return "\n".join(message["text"] for message in messages)


def running(clara: Clara, job: str) -> dict[str, object]:
    """The record of a job once it runs."""
    return wait_until(  # type: ignore[no-any-return]
        lambda: found if (found := described(clara, job))["state"] == "JOB_STATE_RUNNING" else None, "the job to run"
    )


def test_the_documented_session(clara: Clara, tmp_path: Path) -> None:
    pipeline = clara.pipeline(EXAMPLE / "fastio-passthrough-dynamic-pipeline.yaml")
    job = clara.job(pipeline, nibabel_volumes() / "anatomical.nii")
    answer = clara("start", "job", "-j", job)
    assert answer.lines == ["Job Start request submitted successfully with JOB_STATUS_HEALTHY"]
    assert answer.err.startswith("Slurm job ")
    clara("download", f"{job}:/operators/compare-input-to-npz/*", tmp_path / "result")
    assert (tmp_path / "result" / "truth-val" / "comparison.txt").read_text() == "true"
    found = described(clara, job)
    assert (found["state"], found["status"], found["engine"]) == ("JOB_STATE_STOPPED", "JOB_STATUS_HEALTHY", "slurm")
    assert found["slurm"]["node"] in ("n0", "n1")  # type: ignore[index]
    statuses = {item["status"] for item in found["operator_details"]}  # type: ignore[attr-defined]
    assert statuses == {"JOB_OPERATOR_STATUS_COMPLETED"}
    assert found["started"] <= found["stopped"]  # type: ignore[operator]
    lines = clara("describe", "job", job).lines
    assert f"SLURM: {found['slurm']['job']} on {found['slurm']['node']}" in lines  # type: ignore[index]


def test_local_engine_stays_one_word_away(clara: Clara, project: Project) -> None:
    project.operator("a", "print('here')")
    job = clara.job(clara.pipeline(project.definition(ONE, "0.4.0")))
    clara("start", "job", job, "--engine", "local")
    assert described(clara, job)["engine"] == "local" and described(clara, job)["slurm"] is None


def test_run_on_slurm(clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLARA_ENGINE")
    project.operator(
        "a", "import os; open(os.environ['NVIDIA_CLARA_OUTPUTPATHS'].split(':')[1] + '/f', 'w').write('x')"
    )
    definition = project.definition(ONE + "  output: [{path: /out}]\n", "0.4.0")
    answer = clara("run", definition, "-o", project.folder / "results", "--engine", "slurm")
    assert (project.folder / "results" / "a" / "f").read_text() == "x"
    assert described(clara, answer.lines[0].removeprefix("JOB_ID: "))["engine"] == "slurm"


def test_detached_list_logs_and_wait(clara: Clara, project: Project, gated: str, cluster: Cluster) -> None:
    job = clara.job(gated, name="lung study")
    clara("start", "job", job, "--detach")
    found = running(clara, job)
    assert "JOB_STATE_RUNNING" in clara("list", "jobs").out
    assert cluster.run("squeue", "-h", "-o", "%j").strip() == "clara:test-pipeline"
    assert cluster.run("squeue", "-h", "-o", "%A").strip() == found["slurm"]["job"]  # type: ignore[index]
    clara("wait", job, "--timeout", "0", code=124)
    (project.folder / "open").touch()
    assert clara("logs", "-j", job, "-f").lines == [f"a | on {os.uname().nodename}", "a | through"]
    assert clara("wait", job).lines == [f"{job} JOB_STATUS_HEALTHY"]


def test_an_operator_that_fails(clara: Clara, project: Project) -> None:
    project.operator("a", "print('what went wrong'); raise SystemExit(3)")
    job = clara.job(clara.pipeline(project.definition(ONE, "0.4.0")))
    answer = clara("start", "job", job, code=1)
    assert "Error: operator a failed: exit code 3" in answer.err, answer.err
    assert "  what went wrong" in answer.err and f"clara start job -j {job} --resume" in answer.err
    assert ended(clara, job) == ("JOB_STATE_STOPPED", "JOB_STATUS_FAULTED")


def test_cancel_while_running(clara: Clara, project: Project, gated: str, cluster: Cluster) -> None:
    job = clara.job(gated)
    clara("start", "job", job, "--detach")
    remote = running(clara, job)["slurm"]["job"]  # type: ignore[index]
    answer = clara("cancel", "job", job, "--reason", "not needed")
    assert answer.lines == [f"Job {job} cancelled: JOB_STATE_STOPPED, JOB_STATUS_CANCELED"]
    assert "cancelled: not needed" in texts(clara, job)
    wait_until(
        lambda: cluster.run("squeue", "-h", "-t", "all", "-j", str(remote), "-o", "%T").strip() == "CANCELLED", "x"
    )


def test_cancel_while_pending(clara: Clara, gated: str, cluster: Cluster, project: Project) -> None:
    project.configure("slurm: {extra: [--hold]}\n")
    job = clara.job(gated)
    clara("start", "job", job, "--detach")
    wait_until(lambda: "PENDING (JobHeldUser)" in str(described(clara, job)["slurm"]), "Slurm's reason")
    clara("cancel", "job", job)
    assert ended(clara, job) == ("JOB_STATE_STOPPED", "JOB_STATUS_CANCELED")
    assert described(clara, job)["started"] is None
    # Nobody can begin it now, whatever Slurm does.
    assert (Path(os.environ["CLARA_ROOT"]) / "jobs" / job / "journal").stat().st_size == 0


def test_cancelled_by_the_administrator(clara: Clara, gated: str, cluster: Cluster) -> None:
    job = clara.job(gated)
    clara("start", "job", job, "--detach")
    cluster.run("scancel", str(running(clara, job)["slurm"]["job"]))  # type: ignore[index]
    assert clara("wait", job, code=1).lines == [f"{job} JOB_STATUS_CANCELED"]
    assert "it was cancelled in Slurm (Slurm job" in texts(clara, job)


def test_ctrl_c_cancels_on_the_cluster(clara: Clara, project: Project, gated: str, cluster: Cluster) -> None:
    job = clara.job(gated)
    code, shown = on_terminal("start", "job", "-j", job, interrupt_when=lambda text: "running" in text)
    assert code == 130, shown
    assert ended(clara, job) == ("JOB_STATE_STOPPED", "JOB_STATUS_CANCELED")
    cluster.wait(cluster.idle, "idle nodes")


def test_more_than_any_node_has_is_refused_at_once(clara: Clara, project: Project, cluster: Cluster) -> None:
    project.operator("a", "print('no')")
    for request, said in (
        ("{cpu: 3}", "the job asks for 3 cores, and the largest node of the default partition has 2"),
        (
            "{memory: 4000}",
            "the job asks for 4256 MB of memory, and the largest node of the default partition has 1000",
        ),
        ("{gpu: 1}", "Slurm refuses the job: Invalid generic resource (gres) specification"),
    ):
        job = clara.job(clara.pipeline(project.definition(ONE + f"  requests: {request}\n")))
        assert f"Error: {said}" in clara("start", "job", job, code=1).err
        assert ended(clara, job) == ("JOB_STATE_STOPPED", "JOB_STATUS_FAULTED")
        assert said in texts(clara, job)
    assert cluster.run("squeue", "-h") == ""


def test_a_time_limit_of_the_definition(clara: Clara, project: Project, gated: str, cluster: Cluster) -> None:
    project.configure("timeout: 1\n")
    job = clara.job(gated)
    assert "the job took longer than its time limit of 1 s" in clara("start", "job", job, code=1).err
    assert ended(clara, job) == ("JOB_STATE_STOPPED", "JOB_STATUS_TERMINATED")


def test_without_slurm_one_line_says_so(
    clara: Clara, gated: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = clara.job(gated)
    with monkeypatch.context() as without:
        without.setenv("PATH", str(Path(installed_command()).parent))
        answer = clara("start", "job", job, code=1)
    assert "there is no program sbatch: Slurm's commands are not installed here" in answer.err


def test_twenty_jobs_use_both_nodes(clara: Clara, project: Project, no_mounts: None) -> None:
    project.operator("a", "import time; time.sleep(0.2)")
    pipeline = clara.pipeline(project.definition(ONE, "0.4.0"))
    jobs = [clara.job(pipeline, name=f"job {number}") for number in range(20)]
    clara("start", "jobs", *jobs, "--detach")
    clara("wait", *jobs, "--timeout", "120")
    found = [described(clara, job) for job in jobs]
    assert {job["slurm"]["node"] for job in found} == {"n0", "n1"}  # type: ignore[index]
    # One array: one call of Slurm for all of them.
    assert len({job["slurm"]["job"].split("_")[0] for job in found}) == 1  # type: ignore[index]


def test_several_attached(clara: Clara, project: Project) -> None:
    project.operator("a", "import os; raise SystemExit(os.environ['NVIDIA_CLARA_JOBNAME'] == 'bad')")
    pipeline = clara.pipeline(project.definition(ONE, "0.4.0"))
    jobs = [clara.job(pipeline, name=name) for name in ("good", "bad", "fine")]
    answer = clara("start", "jobs", *jobs, code=1)
    assert answer.lines == ["Job Start request submitted successfully with JOB_STATUS_HEALTHY"] * 3
    assert f"job {jobs[0]} ended with JOB_STATUS_HEALTHY" in answer.err
    assert f"job {jobs[1]} ended with JOB_STATUS_FAULTED" in answer.err
    assert "Error: operator a failed: exit code 1" in answer.err


def test_reuse_across_engines(clara: Clara, project: Project) -> None:
    project.operator(
        "a", "import os; open(os.environ['NVIDIA_CLARA_OUTPUTPATHS'].split(':')[1] + '/f', 'w').write('x')"
    )
    pipeline = clara.pipeline(project.definition(ONE + "  output: [{path: /out}]\n", "0.4.0"))
    first, second, third = (clara.job(pipeline) for _ in range(3))
    clara("start", "job", first)
    assert f"reused: a (job {first})" in clara("start", "job", second, "--reuse").err
    assert f"reused: a (job {second})" in clara("start", "job", third, "--reuse", "--engine", "local").err


def test_what_will_never_begin_is_said(clara: Clara, project: Project, gated: str) -> None:
    project.configure("slurm: {partition: short, extra: [--time=5]}\n")
    job = clara.job(gated)
    clara("start", "job", job, "--detach")
    said = "Slurm will not begin the job by itself: PENDING (Partition"
    wait_until(lambda: said in texts(clara, job), "the warning")
    clara("cancel", "job", job)
    assert texts(clara, job).count("Slurm will not begin") == 1


def test_doctor_asks_slurm(clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = clara("doctor", code=None).out
    assert "2 of 2 nodes can be used (all partitions)" in answer and "nodes must see it under the same path" in answer
    project.configure("slurm: {partition: none}\n")
    assert "no node can be used (partition none)" in clara("doctor", code=1).out
    monkeypatch.setenv("CLARA_ENGINE", "local")
    assert "nodes" not in clara("doctor", code=None).out


def test_the_server_places_jobs_too(clara: Clara, project: Project, cluster: Cluster) -> None:
    project.operator("a", "print('on a node')")
    with server_in(project.folder / "server") as server:
        channel = grpc.insecure_channel(server.address)
        with channel:
            client = Client(channel)
            job = server.clara("create", "jobs", "-n", "x", "-p", server_pipeline(server, project)).stdout.split()[1]
            accepted(client.jobs.Start(jobs_pb2.JobsStartRequest(job_id=Identifier(value=job)), timeout=60))

            def status() -> jobs_pb2.JobsStatusResponse:
                return accepted(
                    client.jobs.Status(jobs_pb2.JobsStatusRequest(job_id=Identifier(value=job)), timeout=60)
                )

            # The server itself takes in how it goes.
            wait_until(lambda: status().state == jobs_pb2.JOB_STATE_STOPPED, "the end of the job", 60)
            assert status().status == jobs_pb2.JOB_STATUS_HEALTHY
        assert "SLURM: " in server.clara("describe", "job", job).stdout


def server_pipeline(server: Server, project: Project) -> str:
    return server.clara("create", "pipelines", "-p", project.definition(ONE, "0.4.0")).stdout.split()[-1]


def test_the_largest_of_unequal_nodes_counts(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="clara-slurm-") as folder:
        other = Cluster(Path(folder), cpus=(1, 5))
        try:
            other.begin()
            for name, value in other.environment.items():
                monkeypatch.setenv(name, value)
            assert largest_node(None) == (5, 1000) == largest_node("short")
            assert largest_node("none") is None
        finally:
            other.end()
            for name, value in cluster.environment.items():
                monkeypatch.setenv(name, value)
