"""Cancelling, waiting, deleting, and starting several jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Clara, Project, installed_command, on_terminal, processes_of, signed_runner, wait_until

Shell = Callable[..., subprocess.CompletedProcess[str]]
ONE = "- name: a\n  container: {image: a}\n"


@pytest.fixture
def sleeper(clara: Clara, project: Project) -> str:
    """A pipeline whose operator sleeps; returns its id."""
    project.configure("cpus: 8\n")
    project.operator("a", "import time\nprint('asleep', flush=True)\ntime.sleep(600)")
    return clara.pipeline(project.definition(ONE, "0.4.0"))


@pytest.fixture
def quick(clara: Clara, project: Project) -> str:
    project.operator("quick", "print('done')")
    return clara.pipeline(project.definition("- name: a\n  container: {image: quick}\n", "0.4.0"))


def running(clara: Clara, pipeline: str) -> str:
    job = clara.job(pipeline)
    clara("start", "job", "-j", job, "--detach")
    wait_until(lambda: processes_of(job), "the operator")
    return job


def words(clara: Clara, job: str) -> tuple[str, str]:
    lines = clara("describe", "job", "-j", job).lines
    return lines[6].removeprefix("STATE: JOB_STATE_"), lines[5].removeprefix("STATUS: JOB_STATUS_")


@pytest.mark.parametrize("form", [["cancel", "job", "-j"], ["cancel", "jobs"], ["cancel"], ["cancel", "--job"]])
def test_cancel_from_another_process(clara: Clara, sleeper: str, form: list[str]) -> None:
    job = running(clara, sleeper)
    answer = clara(*form, job)
    assert answer.out == f"Job {job} cancelled: JOB_STATE_STOPPED, JOB_STATUS_CANCELED\n" and answer.err == ""
    assert processes_of(job) == []
    assert words(clara, job) == ("STOPPED", "CANCELED")
    assert "info: cancelled: clara cancel" in clara("describe", "job", job).out
    again = clara(*form, job, code=1)
    assert again.out == ""
    assert again.err == f"Error: job {job} has ended already: JOB_STATE_STOPPED, JOB_STATUS_CANCELED\n"


def test_cancel_ends_the_command_that_is_attached(clara: Clara, sleeper: str) -> None:
    job = clara.job(sleeper)
    attached = subprocess.Popen(
        [installed_command(), "start", "job", job], stderr=subprocess.PIPE, stdout=-3, text=True
    )
    wait_until(lambda: processes_of(job), "the operator")
    clara("cancel", job, "--reason", "the wrong\nscan")
    _, said = attached.communicate(timeout=20)
    assert attached.returncode == 1
    assert said.startswith(f"job {job} was cancelled (the wrong scan); what it wrote is kept\n")


def test_cancel_a_job_that_nobody_started(clara: Clara, sleeper: str) -> None:
    job = clara.job(sleeper)
    clara("cancel", "job", "-j", job)
    assert words(clara, job) == ("STOPPED", "CANCELED")
    assert "was started before" in clara("start", "job", job, code=1).err


def test_cancel_goes_on_after_one_that_cannot_be_cancelled(clara: Clara, sleeper: str, quick: str) -> None:
    ended = clara.job(quick)
    clara("start", "job", ended)
    jobs = [running(clara, sleeper), running(clara, sleeper)]
    answer = clara("cancel", "jobs", jobs[0], ended, "ffffffff", jobs[1], code=1)
    assert [line.split()[1] for line in answer.lines] == jobs
    assert answer.err.count("Error: ") == 2 and "ended already" in answer.err and '"ffffffff"' in answer.err


def test_an_operator_that_ignores_sigterm_is_killed_by_cancel(clara: Clara, project: Project) -> None:
    project.operator(
        "a",
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('x', flush=True)\ntime.sleep(99)",
    )
    job = running(clara, clara.pipeline(project.definition(ONE, "0.4.0")))
    wait_until(lambda: "x" in clara("logs", "-j", job).out, "the operator")
    began = time.monotonic()
    clara("cancel", job)
    assert 9 < time.monotonic() - began < 20
    assert processes_of(job) == []


def test_a_runner_that_does_not_answer_is_killed(clara: Clara, sleeper: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clara_cli.jobs.ending.GRACE", 0.2)
    monkeypatch.setattr("clara_cli.jobs.ending._PATIENCE", 0.5)
    job = running(clara, sleeper)
    runner = signed_runner(job)
    os.kill(runner, signal.SIGSTOP)
    clara("cancel", job)
    assert words(clara, job) == ("STOPPED", "CANCELED")
    assert processes_of(job) == []
    wait_until(lambda: not Path(f"/proc/{runner}").exists(), "the runner's end")


def test_wait(clara: Clara, project: Project, sleeper: str, quick: str) -> None:
    project.operator("bad", "raise SystemExit(3)")
    bad = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: bad}\n", "0.4.0")))
    good, asleep = clara.job(quick), running(clara, sleeper)
    for job in (good, bad):
        clara("start", "job", job, "--detach")
    assert clara("wait", "job", "-j", good).out == f"{good} JOB_STATUS_HEALTHY\n"
    answer = clara("wait", good, bad, code=1)
    assert answer.out == f"{good} JOB_STATUS_HEALTHY\n{bad} JOB_STATUS_FAULTED\n" and answer.err == ""
    began = time.monotonic()
    late = clara("wait", bad, asleep, good, "--timeout", "0.4", code=124)
    assert 0.4 <= time.monotonic() - began < 5
    assert late.err == f"job {asleep} has not ended after 0.4 s: it is JOB_STATE_RUNNING\n" and len(late.lines) == 2
    assert clara("wait", asleep, "--timeout", "0", code=124).out == ""
    killer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -9 {' '.join(map(str, processes_of(asleep)))}"])
    assert clara("wait", asleep, code=1).out == f"{asleep} JOB_STATUS_FAULTED\n"
    killer.wait()


def test_wait_for_a_job_that_is_started_later(clara: Clara, quick: str) -> None:
    job = clara.job(quick)
    waiting = subprocess.Popen([installed_command(), "wait", job], stdout=subprocess.PIPE, text=True, stderr=-3)
    time.sleep(0.5)
    assert waiting.poll() is None
    clara("start", "job", job)
    assert waiting.communicate(timeout=20)[0] == f"{job} JOB_STATUS_HEALTHY\n"
    assert waiting.returncode == 0


def test_wait_finds_a_runner_that_dies(clara: Clara, sleeper: str) -> None:
    job = running(clara, sleeper)
    waiting = subprocess.Popen([installed_command(), "wait", job], stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    os.kill(signed_runner(job), signal.SIGKILL)
    assert waiting.communicate(timeout=20)[0] == f"{job} JOB_STATUS_EVICTED\n"
    assert waiting.returncode == 1 and processes_of(job) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["wait"], "say which job: clara wait JOB_ID"),
        (["cancel", "job"], "say which job: clara cancel JOB_ID"),
        (["wait", "00", "--timeout", "soon"], '--timeout is "soon": expected a number of seconds'),
        (["wait", "00", "--timeout", "nan"], "expected a number of seconds"),
        (["wait", "00", "--timeout", "-1"], "expected a number of seconds"),
        (["delete", "jobs"], "say which job: clara delete jobs JOB_ID"),
        (["delete", "pipeline"], "say which pipeline: clara delete pipeline PIPELINE_ID"),
    ],
)
def test_what_is_no_call(clara: Clara, words: list[str], message: str) -> None:
    assert message in clara(*words, code=2).err


def folders(kind: str) -> list[str]:
    return os.listdir(Path(os.environ["CLARA_ROOT"]) / kind)


def test_delete_jobs_all_or_none(clara: Clara, sleeper: str, quick: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    ended, new, asleep = clara.job(quick, tmp_path / "data"), clara.job(quick), running(clara, sleeper)
    clara("start", "job", ended)
    answer = clara("delete", "jobs", ended, "-j", new, asleep, code=1)
    assert answer.err == f"Error: job {asleep} runs: it cannot be deleted\nclara cancel job {asleep}\n"
    assert clara("delete", "jobs", ended, "-j", "ffff", code=1).out == ""
    assert len(clara("list", "jobs", "-q").lines) == 3
    assert clara("delete", "jobs", ended, "-j", new).lines == [f"Deleted job {new}.", f"Deleted job {ended}."]
    assert clara("list", "jobs", "-q").lines == [asleep]
    assert folders("jobs") == [asleep] and len(folders("payloads")) == 1
    clara("cancel", asleep)
    kept = folders("payloads")
    said = clara("delete", "job", asleep, "--keep-payload").err
    assert folders("payloads") == kept and said.strip().endswith(kept[0])
    assert "no job with id" in clara("describe", "job", asleep, code=1).err


def test_delete_asks_on_a_terminal_only(clara: Clara, quick: str) -> None:
    job = clara.job(quick)
    code, shown = on_terminal("delete", "job", job, answer=(b"[y/N]", b"n\n"))
    assert code == 1 and "Nothing was deleted." in shown and f"job {job} (job)" in shown
    assert clara("list", "jobs", "-q").lines == [job]
    code, shown = on_terminal("delete", "job", job, answer=(b"[y/N]", b"y\n"))
    assert code == 0 and f"Deleted job {job}." in shown
    code, shown = on_terminal("delete", "pipeline", quick, "-y")
    assert code == 0 and shown.strip() == f"Deleted pipeline {quick}."


def test_a_pipeline_is_deleted_and_its_jobs_stay(clara: Clara, quick: str) -> None:
    job = clara.job(quick)
    assert clara("delete", "pipelines", "-p", quick[:12]).out == f"Deleted pipeline {quick}.\n"
    assert clara("list", "pipelines", "-q").out == ""
    clara("start", "job", job)
    assert words(clara, job) == ("STOPPED", "HEALTHY")
    assert "no pipeline with id" in clara("create", "job", "-n", "n", "-p", quick, code=1).err


def test_a_delete_that_was_killed_is_finished_by_whoever_looks_next(clara: Clara, quick: str, shell: Shell) -> None:
    import sqlite3

    jobs = [clara.job(quick) for _ in range(2)]
    root = Path(os.environ["CLARA_ROOT"])
    # As it is between the record's end and the folder's: of one nothing was moved, of the other all was put aside.
    connection = sqlite3.connect(root / "clara.db")
    payloads = dict(connection.execute("SELECT id, payload_id FROM jobs"))
    (root / "payloads" / payloads[jobs[1]]).rename(root / "payloads" / f".deleted-{payloads[jobs[1]]}")
    for job in jobs:
        connection.execute("DELETE FROM jobs WHERE id = ?", (job,))
        connection.execute("INSERT INTO deletions VALUES (?)", (f"payloads/{payloads[job]}",))
    connection.commit()
    connection.close()
    clara("list", "jobs")
    assert folders("payloads") == []
    connection = sqlite3.connect(root / "clara.db")
    assert connection.execute("SELECT count(*) FROM deletions").fetchone() == (0,)
    connection.close()


def test_what_an_operator_wrote_without_permissions_is_deleted_too(
    clara: Clara, project: Project, shell: Shell
) -> None:
    project.operator(
        "a",
        "import os\ntop = os.environ['NVIDIA_CLARA_OUTPUT']\nos.makedirs(top + '/deep/er')\n"
        "open(top + '/deep/er/file', 'w').close()\nos.chmod(top + '/deep/er', 0o500)\nos.chmod(top + '/deep', 0)",
    )
    definition = project.definition(ONE + "  output:\n  - path: /out\n", "0.4.0")
    done = shell(
        f"set -e; P=$(clara create pipelines -p '{definition}'); P=${{P#*: }}\n"
        'J=$(clara create jobs -n n -p "$P" --start 2>/dev/null | head -1); clara delete job ${J#*: }'
    )
    assert done.returncode == 0, done.stderr
    assert folders("payloads") == []


def test_start_several(clara: Clara, project: Project, quick: str) -> None:
    project.operator("bad", "print('why', flush=True)\nraise SystemExit(3)")
    bad = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: bad}\n", "0.4.0")))
    jobs = [clara.job(quick), clara.job(quick)]
    line = "Job Start request submitted successfully with JOB_STATUS_HEALTHY"
    answer = clara("start", "jobs", "-j", jobs[0], "-j", bad, jobs[1], "surplus", code=1)
    assert answer.lines == [line] * 3
    for job in jobs:
        assert f"job {job} ended with JOB_STATUS_HEALTHY\n" in answer.err
    assert "Error: operator a failed: exit code 3" in answer.err and "  why\n" in answer.err
    again = clara("start", "jobs", *jobs, "ffff", code=1)
    assert again.out == "" and again.err.count("Error: ") == 3
    more = [clara.job(quick) for _ in range(3)]
    assert clara("start", "jobs", *more, "--detach").lines == [line] * 3
    assert clara("wait", "jobs", *more, "--timeout", 60).lines == [f"{job} JOB_STATUS_HEALTHY" for job in more]


def test_ctrl_c_ends_all_of_several(clara: Clara, sleeper: str) -> None:
    jobs = [clara.job(sleeper), clara.job(sleeper)]
    code, shown = on_terminal(
        "start", "jobs", *jobs, interrupt_when=lambda text: all(processes_of(job) for job in jobs)
    )
    assert code == 130, shown
    for job in jobs:
        assert words(clara, job) == ("STOPPED", "CANCELED")
        assert processes_of(job) == []
        assert f"job {job} was cancelled (SIGINT received by clara start)" in shown


def test_many_at_once_within_the_limit_of_open_files(clara: Clara, quick: str, shell: Shell) -> None:
    jobs = [clara.job(quick) for _ in range(40)]
    for limit, some in (("-Sn 256", jobs[:25]), ("-n 180", jobs[25:])):
        done = shell(f"ulimit {limit}; clara start jobs {' '.join(some)}")
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("JOB_STATUS_HEALTHY") == len(some)
