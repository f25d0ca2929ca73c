"""Jobs as processes: plain programs, failures, cancelling, detaching, and a SIGKILL to anybody."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support import (
    Clara,
    Project,
    holders,
    installed_command,
    on_terminal,
    processes_of,
    programs_of,
    runner_of,
    shared_memory_here,
    wait_until,
)

from clara_cli.errors import RuntimeFailure
from clara_cli.fastio.observe import observe
from clara_cli.runtime.job_socket import socket_name

Shell = Callable[..., subprocess.CompletedProcess[str]]

DIAMOND = """
- name: left
  container: {image: left}
  input:
  - {from: top, path: /in}
  output:
  - path: /out
- name: top
  container: {image: top, command: [one, "two words"]}
  input:
  - path: /input
  variables: {COLOUR: red, NUMBER: 0x10, EMPTY: }
  output:
  - path: /out
- name: right
  container: {image: right}
  input:
  - {from: top, path: /in}
  output:
  - {name: named, path: /out}
- name: bottom
  container: {image: bottom}
  input:
  - {from: left, path: /a}
  - {from: right, name: named, path: /b}
  - path: /c
"""


def started_processes(job: str) -> list[int]:
    found: list[int] = wait_until(lambda: processes_of(job), "the job's processes")
    return found


@pytest.mark.usefixtures("way")
def test_plain_programs_in_a_diamond(clara: Clara, project: Project, tmp_path: Path, meeting: Path) -> None:
    project.configure("cpus: 2\n")
    definition = project.definition(DIAMOND, version="0.4.0")
    meet = meeting
    project.operator(
        "top",
        """
        import os, sys
        assert sys.argv[1:] == ["one", "two words"], sys.argv
        assert (os.environ["COLOUR"], os.environ["NUMBER"], os.environ["EMPTY"]) == ("red", "0x10", "")
        source = os.environ["NVIDIA_CLARA_INPUTPATHS"].split(":")[1]
        target = os.environ["NVIDIA_CLARA_OUTPUTPATHS"].split(":")[1]
        assert os.environ["NVIDIA_CLARA_INPUT"] == source
        assert os.listdir(source) == ["data.txt"]
        open(target + "/top.txt", "w").write("top")
        """,
    )
    # Side by side: each branch ends only when the other has begun.
    branch = f"""
        import os, sys, time
        me = os.environ["NVIDIA_CLARA_STAGENAME"]
        open("{meet}/" + me, "w").close()
        deadline = time.monotonic() + 20
        while len(os.listdir("{meet}")) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        source = os.environ["NVIDIA_CLARA_INPUTPATHS"].split(":")[1]
        target = os.environ["NVIDIA_CLARA_OUTPUTPATHS"].split(":")[1]
        open(target + "/" + me + ".txt", "w").write(open(source + "/top.txt").read() + me)
        """
    project.operator("left", branch)
    project.operator("right", branch)
    project.operator(
        "bottom",
        """
        import os
        folders = [entry.split(":")[1] for entry in os.environ["NVIDIA_CLARA_INPUTPATHS"].split(";")]
        print([sorted(os.listdir(folder)) for folder in folders])
        print(os.environ["NVIDIA_CLARA_INPUTPATHS"].split(";")[1].split(":")[0], os.getcwd() != "/")
        """,
    )
    (tmp_path / "data.txt").write_text("x")
    job, started = clara.run(definition, tmp_path / "data.txt")
    assert started.err == ""
    lines = clara("logs", "-j", job, "-o", "BOTTOM").lines
    assert lines == ["[['left.txt'], ['right.txt'], ['data.txt']]", "named True"]
    clara("download", f"{job}:/operators/*", tmp_path / "r")
    assert (tmp_path / "r" / "right" / "named" / "right.txt").read_text() == "topright"


def test_an_operator_sees_nothing_else_of_the_users_environment(
    clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("NVIDIA_CLARA_NOSYNCLOCK", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    definition = project.definition("- name: a\n  container: {image: a}\n  output:\n  - path: /output\n", "0.4.0")
    project.operator("a", "import os\nprint('\\n'.join(sorted(os.environ)))")
    job, _ = clara.run(definition)
    seen = set(clara("logs", "-j", job, "-o", "a").lines)
    assert "OMP_NUM_THREADS" in seen and "PYTHONUNBUFFERED" in seen and "NVIDIA_CLARA_OUTPUT" in seen
    assert not seen & {"SECRET_TOKEN", "NVIDIA_CLARA_NOSYNCLOCK", "PYTHONSTARTUP", "CLARA_ROOT"}


CHAIN = """
- name: first
  container: {image: first}
  output:
  - path: /output
- name: second
  container: {image: second}
  input:
  - {from: first, path: /input}
  output:
  - path: /output
- name: sibling
  container: {image: sibling}
"""


def test_a_failure_stops_siblings_keeps_files_and_explains(
    clara: Clara, project: Project, tmp_path: Path, meeting: Path
) -> None:
    project.configure("cpus: 2\n")
    gate = meeting / "gate"
    project.operator(
        "first",
        f"import os, time\nopen(os.environ['NVIDIA_CLARA_OUTPUT'] + '/kept', 'w').close()\n"
        f"while not os.path.exists('{gate}'): time.sleep(0.01)\n"
        "[print('line', n) for n in range(30)]\nraise SystemExit(5)",
    )
    project.operator("second", "")
    project.operator("sibling", f"import time\nopen('{gate}', 'w').close()\ntime.sleep(600)")
    job, started = clara.run(project.definition(CHAIN, "0.4.0"), code=1)
    assert "Error: operator first failed: exit code 5" in started.err
    assert "line 29" in started.err and "line 19\n" not in started.err
    assert "JOB_STATUS_FAULTED" in started.err and "sibling failed" not in started.err
    described = clara("describe", "job", "-j", job).lines
    assert [line.split()[1].rpartition("_")[2] for line in described[14:17]] == ["FAULTED", "PENDING", "FAULTED"]
    assert "operator first failed: exit code 5" in described[-1]
    clara("download", f"{job}:/operators/first/*", tmp_path / "r")
    assert (tmp_path / "r" / "kept").exists()
    assert processes_of(job) == []


def test_a_stopped_operator_is_not_complete_even_if_it_ends_with_0(
    clara: Clara, project: Project, meeting: Path
) -> None:
    definition = project.definition("- name: a\n  container: {image: a}\n- name: b\n  container: {image: b}\n", "0.4.0")
    gate = meeting / "gate"
    stop = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    project.operator("a", f"{stop}open('{gate}', 'w').close()\ntime.sleep(600)")
    project.operator("b", f"import os, time\nwhile not os.path.exists('{gate}'): time.sleep(0.01)\nraise SystemExit(3)")
    job, _ = clara.run(definition, code=1)
    described = clara("describe", "job", "-j", job).lines
    assert described[14].split()[1] == "JOB_OPERATOR_STATUS_FAULTED"


def test_warnings_do_not_fail_a_job(clara: Clara, project: Project) -> None:
    definition = project.definition("- name: a\n  container: {image: a}\n  output:\n  - path: /output\n", "0.4.0")
    project.operator("a", "")
    job, started = clara.run(definition)
    assert started.err == "Warning: operator a left its output empty\n"
    assert "warning: operator a left its output empty" in clara("describe", "job", "-j", job).out


def test_missing_programs_are_all_named_before_anything_starts(clara: Clara, project: Project) -> None:
    project.operator("second", "")
    pipeline = clara.pipeline(project.definition(CHAIN, "0.4.0"))
    job = clara.job(pipeline)
    answer = clara("start", "job", "-j", job, code=1)
    assert answer.out == ""
    for name in ("first", "sibling"):
        assert f"operator {name}: no local program for image {name}:latest" in answer.err
        assert f"clara create image -n {name}:latest -p FOLDER" in answer.err
    assert str(project.folder / "operators" / "first") in answer.err
    assert "operator second" not in answer.err
    assert "JOB_STATE_PENDING" in clara("list", "jobs").out
    for name in ("first", "sibling"):
        clara("create", "image", "-n", name, "-p", project.operator(f"elsewhere-{name}", ""))
    clara("start", "job", "-j", job)


def test_programs_from_the_search_path(clara: Clara, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    definition = project.definition("- name: a\n  container: {image: group/prog}\n", "0.4.0")
    (project.folder / "shelf").mkdir()
    project.operator("prog", "print('found')").rename(project.folder / "shelf" / "prog")
    monkeypatch.setenv("CLARA_OPERATOR_PATH", str(project.folder / "shelf"))
    job, _ = clara.run(definition)
    assert clara("logs", "-j", job).lines == ["a | found"]


SLEEPER = "import time, signal, sys\nprint('asleep', flush=True)\ntime.sleep(600)\n"


@pytest.fixture
def sleeping(clara: Clara, project: Project) -> str:
    """A job of one operator that sleeps."""
    project.operator("a", SLEEPER)
    return clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_cancel_the_job(clara: Clara, sleeping: str, number: int, code: int) -> None:
    process = subprocess.Popen(
        [installed_command(), "start", "job", "-j", sleeping], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    started_processes(sleeping)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert out == "Job Start request submitted successfully with JOB_STATUS_HEALTHY\n"
    assert "was cancelled" in err
    described = clara("describe", "job", "-j", sleeping).lines
    assert described[5] == "STATUS: JOB_STATUS_CANCELED"
    assert described[6] == "STATE: JOB_STATE_STOPPED"
    assert processes_of(sleeping) == []


def test_ctrl_c_on_a_terminal(clara: Clara, sleeping: str) -> None:
    code, shown = on_terminal(
        "start", "job", "-j", sleeping, interrupt_when=lambda text: "running" in text and bool(processes_of(sleeping))
    )
    assert code == 130, shown
    assert "JOB_STATUS_CANCELED" in clara("describe", "job", "-j", sleeping).out


def test_an_operator_that_ignores_sigterm_is_killed_on_the_second_ctrl_c(clara: Clara, project: Project) -> None:
    project.operator("a", "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPER)
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    process = subprocess.Popen([installed_command(), "start", "job", "-j", job], stderr=subprocess.DEVNULL)
    wait_until(lambda: "asleep" in clara("logs", "-j", job).out, "the operator")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert processes_of(job) == []


def test_start_prints_its_line_at_once_and_then_stays(sleeping: str) -> None:
    process = subprocess.Popen(
        [installed_command(), "start", "job", "-j", sleeping],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Job Start request submitted")
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.wait(20)
    process.stdout.close()


@pytest.mark.parametrize("how", ["flag", "variable", "configuration"])
def test_detached_jobs_run_on_in_an_interpreter_of_their_own(
    clara: Clara, project: Project, world: Path, meeting: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    gate = meeting / "gate"
    project.operator("a", f"import os, time\nwhile not os.path.exists('{gate}'): time.sleep(0.01)\nprint('end')")
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    words = ["--detach"] if how == "flag" else []
    if how == "variable":
        monkeypatch.setenv("CLARA_START", "detach")
    if how == "configuration":
        (world / "home" / ".clara").mkdir()
        (world / "home" / ".clara" / "config.yaml").write_text("start: detach\n")
    answer = clara("start", "job", "-j", job, *words)
    assert answer.out == "Job Start request submitted successfully with JOB_STATUS_HEALTHY\n"
    (operator,) = wait_until(lambda: programs_of(job), "the operator")

    def runs_it() -> str:
        """The runner's command line; a forked operator is another process's child in the first moment."""
        runner = runner_of(operator)
        assert runner != os.getpid()
        with suppress(OSError):
            return Path(f"/proc/{runner}/cmdline").read_text()
        return ""

    wait_until(lambda: "clara_cli.jobs.detached" in runs_it(), "the runner to be the operator's parent")
    assert clara("describe", "job", "-j", job).lines[6] == "STATE: JOB_STATE_RUNNING"
    assert "was started before" in clara("start", "job", "-j", job, code=1).err
    gate.touch()
    wait_until(lambda: "STATE: JOB_STATE_STOPPED" in clara("describe", "job", "-j", job).lines, "the end")
    assert clara("logs", "-j", job).lines == ["a | end"]


def test_a_detached_job_outlives_the_shell_that_started_it(clara: Clara, project: Project, shell: Shell) -> None:
    project.operator("a", "import time\ntime.sleep(1)\nprint('end')")
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    assert shell(f"clara start job -j {job} --detach; kill -HUP $$").returncode != 0
    wait_until(lambda: "JOB_STATUS_HEALTHY" in clara("describe", "job", "-j", job).lines[5], "the end")
    wait_until(lambda: "STATE: JOB_STATE_STOPPED" in clara("describe", "job", "-j", job).lines, "the end")
    assert clara("logs", "-j", job).lines == ["a | end"]


def test_a_daemon_left_behind_is_ended_with_the_job(clara: Clara, project: Project) -> None:
    project.operator(
        "a",
        "import subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True)\nprint('left', flush=True)",
    )
    job, _ = clara.run(project.definition("- name: a\n  container: {image: a}\n", "0.4.0"))
    assert processes_of(job) == []


TWO = """
- name: producer
  container: {image: producer}
  output:
  - {name: data, type: array, element-type: u8, shape: [-1]}
- name: consumer
  container: {image: consumer}
  input:
  - {from: producer, name: data, type: array, element-type: u8, shape: [-1]}
"""


@pytest.mark.parametrize("detached", [False, True])
@pytest.mark.parametrize("victim", ["runner", "producer", "grandchild", "consumer"])
@pytest.mark.usefixtures("way")
def test_a_sigkill_to_anybody_leaves_nothing(
    clara: Clara, project: Project, request: pytest.FixtureRequest, victim: str, detached: bool
) -> None:
    project.driver(
        "producer",
        "import subprocess\nentry = payload.fastio_output_entries['data']\nentry.update_shape([1 << 20])\n"
        "entry.array[:] = 1\nsubprocess.Popen(['sleep', '601'], start_new_session=True)\ntime.sleep(600)",
    )
    project.driver("consumer", "pass", prepare="print('waiting', flush=True)")
    job = clara.job(clara.pipeline(project.definition(TWO)))
    command = [installed_command(), "start", "job", "-j", job, *(["--detach"] if detached else [])]
    attached = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    request.addfinalizer(attached.wait)
    request.addfinalizer(attached.kill)
    before = set(shared_memory_here())
    wait_until(lambda: len(programs_of(job)) == 3, "three processes")
    inodes = wait_until(lambda: {item.inode for item in observe(socket_name(job))}, "the variable")
    wait_until(lambda: "waiting" in clara("logs", "-j", job).out, "the consumer")
    assert holders(inodes)

    def command_line(pid: int) -> str:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")

    def stage(pid: int) -> str:
        return "consumer" if b"STAGENAME=consumer" in Path(f"/proc/{pid}/environ").read_bytes() else "producer"

    found = programs_of(job)
    sleeper = next(pid for pid in found if "sleep 601" in command_line(pid))
    producer = next(pid for pid in found if stage(pid) == "producer" and pid != sleeper)
    consumer = next(pid for pid in found if stage(pid) == "consumer")
    runner = runner_of(producer)
    target = {"runner": runner, "producer": producer, "consumer": consumer, "grandchild": sleeper}[victim]
    os.kill(target, signal.SIGKILL)
    if victim == "grandchild":
        os.kill(producer, signal.SIGKILL)
    if victim == "runner":
        wait_until(lambda: attached.poll() is not None and not Path(f"/proc/{runner}").exists(), "the runner's end")
    else:
        wait_until(lambda: "JOB_STATE_STOPPED" in clara("list", "jobs").out, "the end of the job")
    began = time.monotonic()
    listed = clara("list", "jobs").out
    assert "JOB_STATE_STOPPED" in listed
    assert ("JOB_STATUS_EVICTED" if victim == "runner" else "JOB_STATUS_FAULTED") in listed
    wait_until(lambda: not processes_of(job) and not holders(inodes), "nothing left", 2 - (time.monotonic() - began))
    assert set(shared_memory_here()) <= before
    with pytest.raises(RuntimeFailure):
        observe(socket_name(job))


def test_what_an_early_starter_must_not_do(clara: Clara, project: Project) -> None:
    project.driver("producer", "time.sleep(1)\npayload.fastio_output_entries['data'].update_shape([1])")
    project.operator("consumer", "print('did not wait')")
    _, started = clara.run(project.definition(TWO), code=1)
    assert "operator consumer failed: it ended before its inputs were ready" in started.err
