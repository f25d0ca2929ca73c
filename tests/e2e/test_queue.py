"""Jobs of several processes in one queue: the machine's room, places, priorities, runners that die."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support import Clara, Project, installed_command, on_terminal, processes_of, signed_runner, wait_until

pytestmark = pytest.mark.usefixtures("no_mounts")

ONE = "- name: a\n  container: {image: a}\n"
# Says when it begins and ends, and runs until its gate is there.
GATED = """
import os, sys, time
def mark(word):
    log = os.open("{folder}/marks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, (word + " " + os.environ["NVIDIA_CLARA_JOBNAME"] + "\\n").encode())
mark("begin")
while not os.path.exists("{folder}/open"):
    time.sleep(0.005)
time.sleep(0.02)
mark("end")
"""


@pytest.fixture
def gated(clara: Clara, project: Project) -> str:
    """A pipeline of one operator that waits for its gate, on a machine of one core; returns its id."""
    project.configure("cpus: 1\n")
    project.operator("a", GATED.format(folder=project.folder))
    return clara.pipeline(project.definition(ONE, "0.4.0"))


def open_gate(project: Project) -> None:
    (project.folder / "open").touch()


def marks(project: Project) -> list[list[str]]:
    path = project.folder / "marks"
    return [line.split(maxsplit=1) for line in path.read_text().splitlines()] if path.exists() else []


def create(clara: Clara, pipeline: str, name: str, priority: str = "normal") -> str:
    answer = clara("create", "job", "-n", name, "-p", pipeline, "-i", priority)
    return answer.lines[0].removeprefix("JOB_ID: ")


def detach(clara: Clara, pipeline: str, name: str, priority: str = "normal") -> str:
    job = create(clara, pipeline, name, priority)
    clara("start", "job", "-j", job, "--detach")
    return job


def state(clara: Clara, job: str) -> str:
    lines = clara("describe", "job", "-j", job).lines
    return f"{lines[6].split('_')[-1]} {lines[5].split('_')[-1]}"


def begin(clara: Clara, project: Project, pipeline: str) -> str:
    """A job that holds the machine."""
    job = detach(clara, pipeline, "first")
    wait_until(lambda: marks(project), "the first job")
    return job


def test_one_after_another_whoever_started_them(clara: Clara, project: Project, gated: str) -> None:
    first = begin(clara, project, gated)
    jobs = [detach(clara, gated, f"job {count}") for count in range(3)]
    attached = subprocess.Popen(
        [installed_command(), "start", "job", "-j", create(clara, gated, "attached")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert attached.stdout is not None and attached.stdout.readline().startswith("Job Start request submitted")
    assert [state(clara, job) for job in jobs] == ["PENDING HEALTHY"] * 3
    assert state(clara, first) == "RUNNING HEALTHY"
    open_gate(project)
    clara("wait", "jobs", *jobs, first, "--timeout", 60)
    _, said = attached.communicate(timeout=60)
    assert attached.returncode == 0
    assert said == "Notice: the job waits for its turn: 4 of 4 in the queue\n"
    names = ["first", "job 0", "job 1", "job 2", "attached"]
    assert marks(project) == [[word, name] for name in names for word in ("begin", "end")]


def test_priorities(clara: Clara, project: Project, gated: str) -> None:
    begin(clara, project, gated)
    words = ["low", "low", "normal", "normal", "normal", "high", "high", "high", "high", "immediate"]
    jobs = [detach(clara, gated, word, word) for word in words]
    open_gate(project)
    clara("wait", "jobs", *jobs, "--timeout", 60)
    begun = [name for word, name in marks(project) if word == "begin"]
    assert begun == [
        "first",
        "immediate",
        *(["high", "high", "normal", "high", "high", "normal", "low", "normal", "low"]),
    ]


def test_operators_of_two_jobs_share_the_machine(clara: Clara, project: Project) -> None:
    project.configure("cpus: 2\n")
    project.operator("a", GATED.format(folder=project.folder))
    wide = "\n".join(f"- name: {name}\n  container: {{image: a}}" for name in "abc")
    pipeline = clara.pipeline(project.definition(wide, "0.4.0"))
    jobs = [detach(clara, pipeline, name) for name in ("one", "two")]
    wait_until(lambda: len(marks(project)) == 2, "two operators")
    time.sleep(0.3)
    assert [name for _, name in marks(project)] == ["one", "one"]
    assert state(clara, jobs[1]) == "PENDING HEALTHY"
    open_gate(project)
    clara("wait", "jobs", *jobs, "--timeout", 60)
    running = most = 0
    for word, _ in marks(project):
        running += 1 if word == "begin" else -1
        most = max(most, running)
    assert most == 2 and len(marks(project)) == 12


def test_memory_is_counted_across_jobs_and_too_much_runs_alone(clara: Clara, project: Project) -> None:
    project.configure("cpus: 8\nmemory: 100\n")
    project.operator("a", GATED.format(folder=project.folder))
    text = "- name: a\n  container: {image: a}\n  requests: {memory: %s}\n"
    large = clara.pipeline(project.definition(text % 1000))
    begin(clara, project, large)
    small = detach(clara, clara.pipeline(project.definition(text % 10)), "small")
    time.sleep(0.3)
    assert state(clara, small) == "PENDING HEALTHY"
    assert (
        "asks for 1000 MB of memory and this machine has 100: it runs alone"
        in clara("describe", "job", clara("list", "jobs", "-q").lines[-1]).out
    )
    open_gate(project)
    clara("wait", small, "--timeout", 60)


def test_what_a_dead_runner_held_is_free_at_once(clara: Clara, project: Project, gated: str) -> None:
    first = begin(clara, project, gated)
    second = detach(clara, gated, "second")
    time.sleep(0.3)
    os.kill(signed_runner(first), signal.SIGKILL)
    # Nobody looks but the job that waits.
    wait_until(lambda: ["begin", "second"] in marks(project), "the second job", 3)
    assert processes_of(first) == []
    assert state(clara, first) == "STOPPED EVICTED"
    open_gate(project)
    clara("wait", second, "--timeout", 30)


def test_a_waiting_runner_that_dies_is_passed_over(clara: Clara, project: Project, gated: str) -> None:
    begin(clara, project, gated)
    second = create(clara, gated, "second")
    waiting = subprocess.Popen([installed_command(), "start", "job", second], stdout=subprocess.PIPE, stderr=-3)
    assert waiting.stdout is not None and waiting.stdout.readline()
    third = detach(clara, gated, "third")
    waiting.kill()
    waiting.wait()
    waiting.stdout.close()
    open_gate(project)
    clara("wait", third, "--timeout", 30)
    assert state(clara, second) == "STOPPED EVICTED"
    assert f"clara start job -j {second} --resume" in clara("describe", "job", second).out


def test_ctrl_c_while_waiting_cancels_the_job(clara: Clara, project: Project, gated: str) -> None:
    begin(clara, project, gated)
    job = create(clara, gated, "second")
    code, shown = on_terminal("start", "job", "-j", job, interrupt_when=lambda text: "1 of 1 in the queue" in text)
    assert code == 130, shown
    assert state(clara, job) == "STOPPED CANCELED"
    open_gate(project)
    clara("wait", "jobs", *clara("list", "jobs", "-q").lines, code=1)
    assert ["begin", "second"] not in marks(project)


def test_a_job_that_an_operator_starts_does_not_wait_for_that_operator(clara: Clara, project: Project) -> None:
    project.configure("cpus: 1\n")
    project.operator("inner", "print('inside')")
    inner = create(clara, clara.pipeline(project.definition("- name: a\n  container: {image: inner}\n", "0.4.0")), "in")
    root, home = os.environ["CLARA_ROOT"], os.environ["HOME"]
    project.operator(
        "outer",
        f"""
        import os, subprocess
        environment = {{**os.environ, "CLARA_ROOT": {root!r}, "HOME": {home!r}}}
        subprocess.run([{installed_command()!r}, "start", "job", "-j", "{inner}"], env=environment, check=True)
        """,
    )
    outer = create(
        clara, clara.pipeline(project.definition("- name: a\n  container: {image: outer}\n", "0.4.0")), "out"
    )
    clara("start", "job", outer)
    assert state(clara, inner) == "STOPPED HEALTHY"


def test_nothing_is_left_of_a_queue_that_is_empty(clara: Clara, project: Project, gated: str) -> None:
    import sqlite3

    open_gate(project)
    jobs = [detach(clara, gated, str(count)) for count in range(5)]
    clara("wait", "jobs", *jobs, "--timeout", 60)
    connection = sqlite3.connect(Path(os.environ["CLARA_ROOT"]) / "clara.db")
    assert connection.execute("SELECT count(*) FROM claims").fetchone() == (0,)
    connection.close()
