"""What enclosing operators must not change: how they end, how they are ended, who may run them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Clara, Project, installed_command, processes_of, programs_of, wait_until

Shell = Callable[..., subprocess.CompletedProcess[str]]
ONE = "- name: a\n  container: {image: a}\n"


@pytest.mark.parametrize(
    ("program", "told", "code"),
    [
        ("raise SystemExit(3)", "exit code 3", "3"),
        ("raise SystemExit(127)", "exit code 127", "127"),
        ("raise SystemExit(255)", "exit code 255", "255"),
        ("import os\nos.kill(os.getpid(), 9)", "killed by SIGKILL", "-9"),
        ("import os\nos.abort()", "killed by SIGABRT", "-6"),
    ],
)
def test_how_an_operator_ended(clara: Clara, project: Project, way: str, program: str, told: str, code: str) -> None:
    project.operator("a", program)
    job, started = clara.run(project.definition(ONE, "0.4.0"), code=1)
    assert f"Error: operator a failed: {told}\n" in started.err
    assert clara("describe", "job", "-j", job).lines[14].split()[4] == code


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("missing", None, 'there is no program "missing" on this machine'),
        ("no/such", None, 'no/such" on this machine'),
        ("/app/wrong", b"#!/no/such/interpreter\n", 'there is no program "'),
    ],
)
def test_a_program_that_cannot_be_started(
    clara: Clara, project: Project, way: str, name: str, content: bytes | None, told: str
) -> None:
    folder = project.operator("a", f'FROM x\nWORKDIR /app\nCOPY . .\nENTRYPOINT ["{name}"]\n', "Dockerfile")
    if content is not None:
        file = folder / Path(name).name
        file.write_bytes(content)
        file.chmod(0o755)
    _, started = clara.run(project.definition(ONE, "0.4.0"), code=1)
    assert "it could not be started" in started.err and told in started.err


def test_a_signal_reaches_the_operator_which_may_clean_up(clara: Clara, project: Project, way: str) -> None:
    project.operator(
        "a",
        """
        import signal, subprocess, sys, time
        def end(*_):
            child.wait()
            print("cleaned up", flush=True)
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        script = "trap 'echo child too; exit' TERM; sleep 600 & wait"
        child = subprocess.Popen(["sh", "-c", script], start_new_session=True)
        time.sleep(0.5)
        print("ready", flush=True)
        time.sleep(600)
        """,
    )
    job = clara.job(clara.pipeline(project.definition(ONE, "0.4.0")))
    process = subprocess.Popen([installed_command(), "start", "job", "-j", job], stderr=subprocess.DEVNULL)
    wait_until(lambda: "ready" in clara("logs", "-j", job).out, "the operator")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert time.monotonic() - began < 5
    lines = clara("logs", "-j", job).lines
    assert lines.count("a | cleaned up") == 1 and lines.count("a | child too") == 1
    assert processes_of(job) == []


def test_cancelled_in_the_first_moment(clara: Clara, project: Project, mounts: None) -> None:
    """Whatever bubblewrap has come to when the end is asked for, it comes at once."""
    project.operator("a", "import time\ntime.sleep(600)")
    pipeline = clara.pipeline(project.definition(ONE, "0.4.0"))
    for wait in (0.0, 0.001, 0.002, 0.004, 0.008):
        job = clara.job(pipeline)
        process = subprocess.Popen([installed_command(), "start", "job", "-j", job], stderr=subprocess.DEVNULL)
        wait_until(lambda job=job: processes_of(job), "the first process")
        time.sleep(wait)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert time.monotonic() - began < 5
        assert processes_of(job) == []


def cleared_sleepers(mark: str) -> list[int]:
    """Processes of a command line that have nothing in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and mark in (entry / "cmdline").read_text()
                and not (entry / "environ").read_bytes()
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("end", ["", "raise SystemExit(1)", "time.sleep(600)"])
def test_a_daemon_that_clears_its_environment_ends_with_its_operator(
    clara: Clara, project: Project, mounts: None, end: str
) -> None:
    seconds = f"60{os.getpid()}.{len(end)}"
    project.operator(
        "a",
        f"""
        import subprocess, time
        subprocess.Popen(["setsid", "-f", "env", "-i", "/bin/sleep", "{seconds}"])
        time.sleep(0.5)
        print("left", flush=True)
        {end}
        """,
    )
    job = clara.job(clara.pipeline(project.definition(ONE, "0.4.0")))
    process = subprocess.Popen([installed_command(), "start", "job", "-j", job], stderr=subprocess.DEVNULL)
    wait_until(lambda: "left" in clara("logs", "-j", job).out, "the daemon")
    if end.startswith("time"):
        assert len(cleared_sleepers(seconds)) == 1
        process.kill()
    process.wait(30)
    wait_until(lambda: not cleared_sleepers(seconds), "the end of the daemon", 2)
    assert processes_of(job) == []


def test_an_early_starter_sees_what_is_written_after_its_start(clara: Clara, project: Project, way: str) -> None:
    definition = project.definition(
        "- name: a\n  container: {image: a}\n  output: [{name: o, path: /out}, {name: n, path: /deep/er}]\n"
        "- name: b\n  container: {image: b}\n"
        "  input: [{from: a, name: o, path: /in}, {from: a, name: n, path: /in2}]\n",
        "0.4.0",
    )
    project.operator(
        "a",
        "import os, time\ntime.sleep(0.7)\n"
        "for item in os.environ['NVIDIA_CLARA_OUTPUTPATHS'].split(';'):\n"
        "    open(item.split(':')[1] + '/x', 'w').write(item.split(':')[0])",
    )
    folder = project.driver(
        "b",
        "print([open(entry.path + '/x').read() for entry in payload.input_entries])\n"
        "print([entry.path for entry in payload.input_entries])",
        prepare="print('prepared', flush=True)",
    )
    clara("create", "image", "-n", "b", "-p", folder, "--driver")
    job, _ = clara.run(definition)
    lines = clara("logs", "-j", job, "-o", "b").lines
    assert lines[:2] == ["prepared", "['o', 'n']"]
    assert (lines[2] == "['/in', '/in2']") == (way == "mounts")


@pytest.mark.parametrize("path", ["/usr", "/proc/x", "/dev"])
def test_paths_that_cannot_be_mounted(
    clara: Clara, project: Project, mounts: None, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    definition = project.definition(f"- name: a\n  container: {{image: a}}\n  input: [{{path: {path}}}]\n", "0.4.0")
    project.operator("a", "import os\nprint(os.environ['NVIDIA_CLARA_INPUTPATHS'])")
    job = clara.job(clara.pipeline(definition))
    refused = clara("start", "job", "-j", job, code=1)
    assert f"operator a: mounts are required, and it cannot have them: its path {path} " in refused.err
    monkeypatch.setenv("CLARA_MOUNTS", "auto")
    clara("start", "job", "-j", job)
    assert clara("describe", "job", "-j", job).lines[14].endswith("   no")
    assert clara("logs", "-j", job).lines[0].endswith("/input")


def test_a_machine_without_bubblewrap(
    clara: Clara, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is missing, and one that the kernel does not let work."""
    project.operator("a", "print('ran')")
    pipeline = clara.pipeline(project.definition(ONE, "0.4.0"))
    empty = tmp_path / "bin"
    empty.mkdir()
    for reason in ("bubblewrap (the program bwrap) is not installed", "does not work here (No permissions to create"):
        monkeypatch.setenv("PATH", str(empty))
        monkeypatch.setenv("CLARA_MOUNTS", "require")
        job = clara.job(pipeline)
        refused = clara("start", "job", "-j", job, code=1)
        assert reason in refused.err and "install bubblewrap, or set `mounts: auto`" in refused.err
        monkeypatch.setenv("CLARA_MOUNTS", "auto")
        clara("start", "job", "-j", job)
        assert reason in clara("describe", "job", "-j", job, "--verbose").out
        (empty / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
        (empty / "bwrap").chmod(0o755)


def test_the_configuration_says_whether(clara: Clara, project: Project, mounts: None) -> None:
    project.operator("a", "print('ran')")
    pipeline = clara.pipeline(project.definition(ONE, "0.4.0"))
    del os.environ["CLARA_MOUNTS"]
    for value, column in (("off", "no"), ("auto", "yes"), ("require", "yes"), ('"off"', "no")):
        project.configure(f"mounts: {value}\n")
        job = clara.job(pipeline)
        assert clara("describe", "job", "-j", job).lines[14].endswith("   -")
        clara("start", "job", "-j", job)
        assert clara("describe", "job", "-j", job).lines[14].split()[-1] == column
    project.configure("mounts: on\n")
    assert "mounts is" in clara("list", "jobs", code=1).err
    os.environ["CLARA_MOUNTS"] = "maybe"
    assert 'CLARA_MOUNTS is "maybe": expected auto, require or off' in clara("list", "jobs", code=1).err


USER = """
set -e
cd $PROJECT
clara() { $PYTHON -m clara_cli "$@"; }
PIPELINE=$(clara create pipelines -p pipeline.yaml | sed 's/.*: //')
JOB=$(clara create jobs -n x -p $PIPELINE -f data | sed -n 's/^JOB_ID: //p')
clara start job -j $JOB
clara logs -j $JOB
clara describe job -j $JOB | grep -c '   yes$'
"""


def python_for(become: list[str], folder: Path) -> Path:
    """A Python with clara that the user may run: this one, else an environment of the system's beside its packages."""

    def runs(python: str) -> bool:
        # Through a shell: setpriv itself starts its command before the privileges are gone.
        words = [*become, "sh", "-c", '"$0" -c "import clara_cli, numpy"', python]
        return subprocess.run(words, check=False, capture_output=True).returncode == 0

    if runs(sys.executable):
        return Path(sys.executable)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    system = shutil.which(version, path="/usr/bin:/usr/local/bin")
    if system is not None:
        subprocess.run([system, "-m", "venv", "--without-pip", str(folder)], check=True)
        own = [path for path in sys.path if path.endswith("-packages")]
        lines = [f"import site; site.addsitedir({path!r})" for path in own]
        (folder / "lib" / version / "site-packages" / "clara.pth").write_text("\n".join(lines))
        if runs(str(folder / "bin" / "python")):
            return folder / "bin" / "python"
    pytest.skip(f"an ordinary user can run neither {sys.executable} nor a {version} with its packages")


def test_an_ordinary_user(project: Project, meeting: Path, mounts: None) -> None:
    """Without root and any privilege, in a namespace of the user's own."""
    become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    meeting.chmod(0o755)
    python = python_for(become, meeting / "venv")
    project.definition(
        """
        - name: plain
          container: {image: busybox, command: [sh, -c, 'cp /input/* /output; touch ~/x /tmp/x; id -u']}
          input: [{path: /input}]
          output: [{path: /output}]
        - name: program
          container: {image: program}
          input: [{from: plain, path: /usr/share/clara-test/in}]
          output: [{name: data, type: array, element-type: u8, shape: [3]}]
        - name: reader
          container: {image: reader}
          input: [{from: program, name: data, type: array, element-type: u8, shape: [3]}]
        """.replace("path: /input}]", "path: /input, type: stream, element-type: x}]")
        .replace("path: /output}]", "path: /output, name: o, type: stream, element-type: x}]")
        .replace("{from: plain, path", "{from: plain, name: o, type: stream, element-type: x, path"),
    )
    project.driver(
        "program",
        "payload.fastio_output_entries['data'].array[:] = len(open('/usr/share/clara-test/in/hello').read())",
    )
    project.driver("reader", "print(payload.fastio_input_entries['data'].array.tolist())")
    (project.folder / "data").mkdir()
    (project.folder / "data" / "hello").write_text("hello")
    subprocess.run(["cp", "-r", str(project.folder), str(meeting / "project")], check=True)
    (meeting / "home").mkdir()
    subprocess.run(["chmod", "-R", "a+rwX", str(meeting)], check=True)
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("TMPDIR",)},
        "PYTHON": str(python),
        "PROJECT": str(meeting / "project"),
        "HOME": str(meeting / "home"),
        "CLARA_ROOT": str(meeting / "root"),
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [*become, "bash", "-c", USER],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    user = "65534" if become else str(os.geteuid())
    assert done.stdout.splitlines()[1:] == [f"plain | {user}", "reader | [5, 5, 5]", "3"]
    assert not (meeting / "home" / "x").exists()


def test_no_descriptor_is_left_to_the_operator(clara: Clara, project: Project, way: str) -> None:
    project.operator("a", "import os\nprint(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])")
    job, _ = clara.run(project.definition(ONE, "0.4.0"))
    assert clara("logs", "-j", job).lines == ["a | [0, 1, 2]"]


def test_processes_are_listed_shortly(clara: Clara, project: Project, mounts: None) -> None:
    project.operator("a", "import time\nprint('ready', flush=True)\ntime.sleep(600)")
    job = clara.job(clara.pipeline(project.definition(ONE, "0.4.0")))
    clara("start", "job", "-j", job, "--detach")
    wait_until(lambda: "ready" in clara("logs", "-j", job).out, "the operator")
    (program,) = programs_of(job)
    enclosing = [pid for pid in processes_of(job) if pid != program]
    assert enclosing and all(len(Path(f"/proc/{pid}/cmdline").read_text()) < 200 for pid in enclosing)
    os.kill(program, signal.SIGTERM)
    wait_until(lambda: "JOB_STATE_STOPPED" in clara("describe", "job", "-j", job).out, "the end")
    assert clara("describe", "job", "-j", job).lines[14].split()[4] == "-15"
