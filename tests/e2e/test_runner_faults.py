"""What could go wrong in the middle of a job, and must not leave anything behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Clara, Project, installed_command, processes_of, wait_until

from clara_cli.runtime.job_socket import socket_name

Shell = Callable[..., subprocess.CompletedProcess[str]]

PAIR = "- name: a\n  container: {image: a}\n- name: b\n  container: {image: b}\n"


def test_a_start_that_fails_starts_nothing_after_it(clara: Clara, project: Project) -> None:
    definition = project.definition(PAIR, "0.4.0")
    (project.operator("a", "") / "Dockerfile").write_text('FROM x\nENTRYPOINT ["/no/such/program"]\n')
    project.operator("b", "import time\ntime.sleep(600)")
    began = time.monotonic()
    job, started = clara.run(definition, code=1)
    assert time.monotonic() - began < 60
    assert 'there is no program "program"' in started.err
    described = clara("describe", "job", "-j", job).lines
    assert described[15].split()[:2] == ["b", "JOB_OPERATOR_STATUS_PENDING"]


def test_a_reader_of_stderr_that_goes_away_is_no_reason_to_fail(clara: Clara, project: Project) -> None:
    definition = project.definition("- name: a\n  container: {image: a}\n  output:\n  - path: /out\n", "0.4.0")
    project.operator("a", "")
    job = clara.job(clara.pipeline(definition))
    reader, writer = os.pipe()
    process = subprocess.Popen([installed_command(), "start", "job", "-j", job], stderr=writer)
    os.close(reader)
    os.close(writer)
    assert process.wait(60) == 0
    assert clara("describe", "job", "-j", job).lines[5] == "STATUS: JOB_STATUS_HEALTHY"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_do_not_lose_a_job(clara: Clara, project: Project, shell: Shell, closed: str) -> None:
    project.operator("a", "")
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    shell(f"clara start job -j {job} {closed}")
    described = clara("describe", "job", "-j", job).lines
    assert described[5:7] == ["STATUS: JOB_STATUS_HEALTHY", "STATE: JOB_STATE_STOPPED"]


def test_a_detached_job_keeps_what_was_said_in_relative_paths(clara: Clara, project: Project, shell: Shell) -> None:
    definition = project.definition("- name: a\n  container: {image: elsewhere}\n", "0.4.0")
    (project.folder / "shelf").mkdir()
    project.operator("elsewhere", "print('found')").rename(project.folder / "shelf" / "elsewhere")
    (project.folder / "c.yaml").write_text("operator_path: shelf\n")
    pipeline = clara.pipeline(definition)
    for before, words in (("", "--config c.yaml"), ("CLARA_OPERATOR_PATH=shelf", "")):
        job = clara.job(pipeline)
        assert shell(f"{before} clara {words} start job -j {job} --detach", cwd=project.folder).returncode == 0
        wait_until(lambda job=job: "JOB_STATE_STOPPED" in clara("describe", "job", "-j", job).out, "the end")
        assert clara("logs", "-j", job).lines == ["a | found"]


def test_a_job_that_an_operator_starts_outlives_it(
    clara: Clara, project: Project, meeting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With mounts the root is read-only for operators, and what one starts ends with it.
    monkeypatch.setenv("CLARA_MOUNTS", "off")
    gate = meeting / "gate"
    project.operator("inner", f"import os, time\nwhile not os.path.exists('{gate}'): time.sleep(0.01)\nprint('end')")
    pipeline = clara.pipeline(project.definition("- name: a\n  container: {image: inner}\n", "0.4.0"))
    inner = clara.job(pipeline)
    command = [installed_command(), "start", "job", "-j", inner, "--detach"]
    root = os.environ["CLARA_ROOT"]
    project.operator(
        "outer", f"import os, subprocess\nos.environ['CLARA_ROOT'] = '{root}'\nsubprocess.run({command!r})"
    )
    clara.run(project.definition("- name: b\n  container: {image: outer}\n", "0.4.0"))
    wait_until(lambda: "JOB_STATE_RUNNING" in clara("describe", "job", "-j", inner).out, "the inner job")
    gate.touch()
    wait_until(lambda: "JOB_STATE_STOPPED" in clara("describe", "job", "-j", inner).out, "the end")
    assert clara("describe", "job", "-j", inner).lines[5] == "STATUS: JOB_STATUS_HEALTHY"


@pytest.fixture
def sleeping(clara: Clara, project: Project) -> str:
    project.operator("a", "import time\nprint('asleep', flush=True)\ntime.sleep(600)")
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    clara("start", "job", "-j", job, "--detach")
    wait_until(lambda: "asleep" in clara("logs", "-j", job).out, "the operator")
    return job


def connect(job: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(20)
    connection.connect("\0" + socket_name(job))
    return connection


def test_packets_that_are_no_requests(clara: Clara, sleeping: str) -> None:
    packets = [b"[" * 100_000, b"no json", b"[]", b'{"op": "create", "size": 1e999}', b'{"op": "none"}', b"{}"]
    for packet in packets:
        with connect(sleeping) as connection:
            connection.send(packet)
            reply = connection.recv(1 << 16)
            assert not reply or json.loads(reply)["ok"] is False
    with connect(sleeping) as connection:
        connection.send(b'{"op": "cancel", "reason": "enough"}')
        assert json.loads(connection.recv(1 << 16))["ok"]
    wait_until(lambda: "JOB_STATUS_CANCELED" in clara("describe", "job", "-j", sleeping).out, "the end")
    assert "cancelled: enough" in clara("describe", "job", "-j", sleeping).out


def test_more_connections_than_the_runner_has_descriptors(clara: Clara, project: Project) -> None:
    project.operator("a", "import time\nprint('asleep', flush=True)\ntime.sleep(600)")
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    command = f"ulimit -n 64; exec {installed_command()} start job -j {job}"
    process = subprocess.Popen(["bash", "-c", command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: "asleep" in clara("logs", "-j", job).out, "the operator")
    connections = [connect(job) for _ in range(100)]
    time.sleep(0.3)
    used = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    time.sleep(1)
    after = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    assert sum(map(int, after)) - sum(map(int, used)) < 50, "the runner spins"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    for connection in connections:
        connection.close()
    assert processes_of(job) == []


def test_an_answer_that_does_not_fit_is_an_error_and_no_endless_wait(clara: Clara, project: Project) -> None:
    names = [f"{number:04}" + "x" * 240 for number in range(3000)]
    outputs = "\n".join(f"  - {{name: {name}, type: u8}}" for name in names)
    definition = project.definition(f"- name: a\n  container: {{image: a}}\n  output:\n{outputs}\n")
    project.driver("a", "pass")
    _, started = clara.run(definition, code=1)
    assert "too many inputs and outputs" in started.err


def test_a_long_chain_under_a_low_limit_of_open_files(clara: Clara, project: Project) -> None:
    count = 60
    variable = "type: u8"
    operators = [f"- name: o0\n  container: {{image: op}}\n  output:\n  - {{name: v, {variable}}}"]
    operators += [
        f"- name: o{n}\n  container: {{image: op}}\n  input:\n  - {{from: o{n - 1}, name: v, {variable}}}\n"
        f"  output:\n  - {{name: v, {variable}}}"
        for n in range(1, count)
    ]
    project.driver("op", "payload.fastio_output_entries['v'].value = 1")
    job = clara.job(clara.pipeline(project.definition("\n".join(operators))))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = f"ulimit -Sn 128; exec {installed_command()} start job -j {job}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_an_image_that_switches_synchronisation_off_is_not_started_early(clara: Clara, project: Project) -> None:
    definition = project.definition(
        "- name: a\n  container: {image: a}\n  output:\n  - path: /output\n"
        "- name: b\n  container: {image: b}\n  input:\n  - {from: a, path: /input}\n",
        "0.4.0",
    )
    target = "open(os.environ['NVIDIA_CLARA_OUTPUT'] + '/x', 'w').close()"
    project.operator("a", f"import os, time\ntime.sleep(0.5)\n{target}")
    folder = project.driver("b", "assert os.listdir(payload.input_entries[0].path) == ['x']")
    (folder / "Dockerfile").write_text(
        'FROM x\nENV NVIDIA_CLARA_NOSYNCLOCK=TRUE\nWORKDIR /app\nCOPY . .\nENTRYPOINT ["python", "main.py"]\n'
    )
    clara("create", "image", "-n", "b", "-p", folder, "--driver")
    clara.run(definition)


def test_an_operator_that_writes_without_end_does_not_hold_up_the_runner(clara: Clara, project: Project) -> None:
    project.operator("a", "import subprocess\nsubprocess.run(['yes'])")
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    process = subprocess.Popen([installed_command(), "start", "job", "-j", job], stderr=subprocess.DEVNULL)
    wait_until(lambda: processes_of(job), "the operator")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 130


def test_a_signal_after_the_end_does_not_change_how_the_job_ended(clara: Clara, project: Project) -> None:
    from clara_cli.config import load_config
    from clara_cli.database import Database
    from clara_cli.jobs.start import run_job, submit_job
    from clara_cli.root import choose_root
    from clara_cli.runtime.listener import Silent
    from clara_cli.runtime.stop import StopRequest

    class AtTheEnd(Silent):
        def operator_ended(self, *_: object) -> None:
            stop.request("too late")

    project.operator("a", "")
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    stop = StopRequest()
    config = load_config()
    with Database(choose_root(config)) as database, submit_job(database, config, job) as submitted:
        assert run_job(submitted, AtTheEnd(), stop).succeeded
    stop.close()
    assert clara("describe", "job", "-j", job).lines[5] == "STATUS: JOB_STATUS_HEALTHY"


def test_an_operator_whose_runner_is_killed_before_its_execute_does_not_execute(
    clara: Clara, project: Project, no_mounts: None, request: pytest.FixtureRequest
) -> None:
    place = project.folder
    project.operator(
        "a",
        f"""
        import os, time, clara
        def note(driver, note):
            if note.id == 3:
                open("{place}/ready", "w").close()
                while not os.path.exists("{place}/gate"): time.sleep(0.01)
        driver = clara.Driver(
            execute_handler=lambda driver, payload: open("{place}/executed", "w").close(),
            cleanup_handler=lambda driver: open("{place}/cleaned", "w").close(),
            notification_handler=note,
        )
        driver.start()
        driver.wait_for_completion()
        """,
    )
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    command = [installed_command(), "start", "job", "-j", job]
    runner = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Where something fails before, the operator would wait at its gate for ever, and its runner for it.
    request.addfinalizer(runner.wait)
    request.addfinalizer(runner.kill)
    request.addfinalizer((place / "gate").touch)
    wait_until((place / "ready").exists, "the news that the inputs are ready")
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    (place / "gate").touch()
    wait_until(lambda: not processes_of(job), "the operator's end")
    assert (place / "cleaned").exists() and not (place / "executed").exists()
