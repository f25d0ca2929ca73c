"""Operators that misbehave: each is ended clearly, the machine is as before, and the next job runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Clara, Project, installed_command, processes_of, wait_until

from clara_cli.runtime.process_limit import limit_binds

ONE = "- name: a\n  container: {image: a}\n"
# How many processes and threads the user of a fork bomb may have in these tests.
FEW = 150


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


@pytest.fixture
def one(clara: Clara, project: Project) -> Path:
    return project.definition(ONE, "0.4.0")


def next_job_runs(clara: Clara, project: Project) -> None:
    project.operator("fine", "print('fine')")
    job, _ = clara.run(project.definition("- name: fine\n  container: {image: fine}\n", "0.4.0"))
    assert clara("logs", "-j", job).lines == ["fine | fine"]


def test_one_that_ignores_every_request_to_end(clara: Clara, project: Project, one: Path) -> None:
    project.operator(
        "a",
        "import signal, time\n"
        "for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
        "print('deaf', flush=True)\ntime.sleep(600)",
    )
    job = clara.job(clara.pipeline(one))
    process = subprocess.Popen(
        [installed_command(), "start", "job", "-j", job], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    wait_until(lambda: "deaf" in clara("logs", "-j", job).out, "the operator")
    process.send_signal(2)
    time.sleep(0.5)
    assert process.poll() is None, "it has its time of grace"
    process.send_signal(2)
    assert process.wait(10) == 130, "the second request ends the patience"
    process.communicate()
    assert processes_of(job) == []
    next_job_runs(clara, project)


def test_one_that_closes_its_stdout_and_goes_on(clara: Clara, project: Project, tmp_path: Path) -> None:
    project.operator(
        "a",
        "import os, time\nprint('bye', flush=True)\nos.closerange(0, 64)\ntime.sleep(1)\n"
        "open(os.environ['NVIDIA_CLARA_OUTPUT'] + '/x', 'w')",
    )
    answer = clara("run", project.definition(ONE + "  output:\n  - {path: /output}\n", "0.4.0"), "-o", tmp_path / "r")
    assert (tmp_path / "r" / "a" / "x").exists()
    assert clara("logs", "-j", answer.lines[0].split()[1]).lines == ["a | bye"]
    next_job_runs(clara, project)


def test_one_that_writes_a_gigabyte_of_log(clara: Clara, project: Project, one: Path) -> None:
    project.configure("log_limit: 8\n")
    project.operator(
        "a",
        "import sys\nline = b'x' * 99 + b'\\n'\nsys.stdout.buffer.write(b'first\\n')\n"
        "for _ in range(1 << 10):\n    sys.stdout.buffer.write(line * 10486)\n"
        "print('last')",
    )
    job = clara.job(clara.pipeline(one))
    process = subprocess.Popen(
        [installed_command(), "start", "job", "-j", job], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    log = Path(os.environ["CLARA_ROOT"]) / "jobs" / job / "logs" / "a.log"
    most = 0
    while process.poll() is None:
        most = max(most, log.stat().st_blocks * 512 if log.exists() else 0)
        time.sleep(0.02)
    assert process.returncode == 0
    assert "a.log grew beyond 8 MiB" in process.communicate()[1]
    assert 1 << 20 < most < 18 << 20, "the two copies at the end included"
    assert log.stat().st_size < 10 << 20
    lines = clara("logs", "-j", job, "-o", "a").lines
    assert lines[0] == "first" and lines[-1] == "last"
    (note,) = [line for line in lines if line.startswith("[clara: ")]
    left_out = int(note.split()[1])
    assert left_out + log.stat().st_size - len(note) - 2 == (1 << 10) * 1_048_600 + 11
    assert f"warning: a.log grew beyond 8 MiB: {left_out} bytes" in clara("describe", "job", "-j", job).out
    assert clara("logs", "-j", job, "--tail", 2).lines[1] == "a | last"


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {more}
        while True:
            print("still here", flush=True)
            time.sleep(0.05)
    os._exit(0)
os.wait()
time.sleep(0.3)
"""


@pytest.mark.parametrize(
    "more",
    ["pass", "sys.stdout = open(os.devnull, 'w'); os.closerange(0, 3)", "import signal; signal.signal(15, 1)"],
    ids=["writing", "closed", "deaf"],
)
def test_one_that_leaves_a_daemon_behind(clara: Clara, project: Project, one: Path, more: str) -> None:
    project.operator("a", DAEMON.format(more=more))
    job, _ = clara.run(one)
    assert processes_of(job) == []
    next_job_runs(clara, project)


SHELL = "bomb() { bomb | bomb & }\necho begun\nbomb\n"
SESSIONS = """
import os, time
print("begun", flush=True)
while True:
    try:
        if os.fork() == 0:
            os.setsid()
    except OSError:
        print("cannot fork", flush=True)
        time.sleep(0.01)
"""
# Its file, its text, and whether it ends by itself.
BOMBS = {
    "same group": ("main.sh", SHELL + "sleep 600\n", False),
    "new sessions": ("main.py", SESSIONS, False),
    "parent ends": ("main.sh", SHELL + "sleep 1\n", True),
}


def _as_ordinary_user() -> list[str]:
    """How to become a user whom the kernel holds to a limit of processes; such a user may be this one."""
    if limit_binds():
        return []
    if shutil.which("setpriv") is None or os.geteuid() != 0:
        pytest.skip("the kernel holds this user to no limit of processes, and no other can be taken")
    keep = "-all,+dac_read_search"  # the Python that runs the tests may lie in root's home
    # One that no other test has, for the processes of a user are counted together.
    number = 100_000 + os.getpid() % 50_000
    user = [f"--reuid={number}", f"--regid={number}", "--clear-groups"]
    return ["setpriv", *user, f"--inh-caps={keep}", f"--ambient-caps={keep}", "--"]


@pytest.fixture
def open_world() -> Iterator[Path]:
    """A folder that another user can reach and write; pytest closes its own to others."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_fork_bomb(clara: Clara, project: Project, open_world: Path, bomb: str) -> None:
    prefix = _as_ordinary_user()
    file, text, ends = BOMBS[bomb]
    there = Project(open_world)
    folder = there.operator("a", text, file)
    if file == "main.sh":
        (folder / "Dockerfile").write_text('FROM x\nWORKDIR /app\nCOPY . .\nENTRYPOINT ["sh", "/app/main.sh"]\n')
    definition = there.definition(ONE, "0.4.0")
    (open_world / "config.yaml").write_text("timeout: 4\n")
    words = [installed_command(), "--config", str(open_world / "config.yaml"), "run", str(definition)]
    command = [*prefix, "bash", "-c", f'ulimit -u {FEW}; exec "$@"', "-", *words]
    environment = {**os.environ, "CLARA_ROOT": str(open_world / "root"), "HOME": str(open_world)}
    before = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)
    took = time.monotonic() - before
    job = done.stdout.split("\n", 1)[0].removeprefix("JOB_ID: ")
    assert len(job) == 32, done.stderr
    assert processes_of(job) == []
    # Its own shell may be the one that cannot fork: then the operator fails, and says why.
    said = ("the job took longer than its time limit of 4 s", "operator a failed: exit code 2")
    assert (ends and done.returncode == 0) or (done.returncode == 1 and any(text in done.stderr for text in said))
    assert took < 60
    log = (open_world / "root" / "jobs" / job / "logs" / "a.log").read_text(errors="replace")
    assert log.startswith("begun") and "fork" in log, "it came to its limit"
    next_job_runs(clara, project)
