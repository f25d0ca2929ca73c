"""Programs that do not know the driver, with mounts and without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import Clara, Project

from clara_cli.images.bare import is_bare
from clara_cli.images.reference import parse_reference
from clara_cli.runtime.environment import OPERATOR_PATH

BARE = "runs on this machine as it is"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The payload: two files, one of them in a folder."""
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "b.txt").write_text("b")
    return folder


def output(clara: Clara, job: str, operator: str, tmp_path: Path) -> dict[str, str]:
    """What an operator wrote: path below its folder → text."""
    target = tmp_path / f"{job}-{operator}"
    clara("download", f"{job}:/operators/{operator}/*", target)
    return {str(path.relative_to(target)): path.read_text() for path in target.rglob("*") if path.is_file()}


def mounted(clara: Clara, job: str) -> set[str]:
    """The column MOUNTS."""
    lines = clara("describe", "job", "-j", job).lines[13:]
    assert lines[0].split()[-1] == "MOUNTS"
    return {line.split()[-1] for line in lines[1 : lines.index("") if "" in lines else None]}


@pytest.mark.parametrize("image", ["ubuntu", "docker.io/library/alpine", "library/busybox", "debian:12-slim"])
def test_a_shell_command_of_a_bare_image(
    clara: Clara, project: Project, data: Path, tmp_path: Path, way: str, image: str
) -> None:
    definition = project.definition(
        f"""
        - name: copy
          container: {{image: "{image}", command: ['sh', '-c', 'cp -r /in/* /out']}}
          input: [{{path: /in}}]
          output: [{{path: /out}}]
        """,
        "0.3.0",
    )
    job, started = clara.run(definition, data)
    assert started.err.startswith("Notice: operator copy: image ") and started.err.endswith(f"{BARE}\n")
    assert BARE in clara("describe", "job", "-j", job).out
    assert output(clara, job, "copy", tmp_path) == {"a.txt": "a", "sub/b.txt": "b"}
    assert mounted(clara, job) == {"yes" if way == "mounts" else "no"}


def test_a_python_program_told_its_folder_by_arguments(
    clara: Clara, project: Project, data: Path, tmp_path: Path, way: str
) -> None:
    definition = project.definition(
        """
        - name: register-results
          container: {image: clara/register-results, command: [python, register.py, --data, /in, --agent, "[1]"]}
          input: [{path: /in}]
          output: [{path: /results}]
        """,
        "0.4.0",
    )
    project.operator(
        "register-results",
        """
        import os, sys
        assert sys.argv[3:] == ["--agent", "[1]"], sys.argv
        names = sorted(os.listdir(sys.argv[2]))
        open(os.environ["NVIDIA_CLARA_OUTPUTPATHS"].split(":")[1] + "/names", "w").write(" ".join(names))
        """,
        "register.py",
    )
    (project.folder / "register-results" / "Dockerfile").write_text("FROM python:3\nWORKDIR /opt/register\nCOPY . .\n")
    job, _ = clara.run(definition, data)
    assert output(clara, job, "register-results", tmp_path) == {"names": "a.txt sub"}


def test_a_program_that_names_its_folders_itself(
    clara: Clara, project: Project, data: Path, tmp_path: Path, mounts: None
) -> None:
    """Also below the image's own WORKDIR, in a folder of this machine, and with a trailing slash."""
    definition = project.definition(
        """
        - name: roi
          container: {image: roi}
          input: [{path: /app/in/}, {path: /mnt/data/deep/in}]
          output:
          - {name: lung, path: /app/out/lung}
          - {name: heart, path: /usr/share/clara-test/heart}
          - {name: logs, path: /logs}
        """,
        "0.4.0",
    )
    folder = project.operator(
        "roi",
        """
        import os
        from pathlib import Path
        assert os.getcwd() == "/app" and __file__ == "/app/main.py", (os.getcwd(), __file__)
        assert Path("/app/own.txt").read_text() == Path("own.txt").read_text() == "own"
        Path("/app/out/lung/x").write_text(Path("in/a.txt").read_text())
        Path("/usr/share/clara-test/heart/x").write_text(Path("/mnt/data/deep/in/sub/b.txt").read_text())
        Path("/logs/log").write_text(os.environ["NVIDIA_CLARA_LOGS"] + os.environ["NVIDIA_CLARA_OUTPUTPATHS"])
        assert os.path.isdir("/usr/share/doc") and os.path.exists("/etc/passwd")
        """,
    )
    (folder / "own.txt").write_text("own")
    job, _ = clara.run(definition, data)
    paths = "lung:/app/out/lung;heart:/usr/share/clara-test/heart;logs:/logs"
    assert output(clara, job, "roi", tmp_path) == {"lung/x": "a", "heart/x": "b", "logs/log": f"/logs{paths}"}
    assert not Path("/usr/share/clara-test").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["main.py", "own.txt"]


def test_what_is_an_operators_own_and_what_it_must_not_touch(
    clara: Clara,
    project: Project,
    data: Path,
    meeting: Path,
    mounts: None,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    home = Path.home()
    (home / "models").mkdir()
    (home / "models" / "weights").write_text("weights")
    (home / ".ssh").mkdir()
    (home / "scratch" / "tmp").mkdir(parents=True)
    (home / "scratch" / "kept").touch()
    monkeypatch.setenv("TMPDIR", str(home / "scratch" / "tmp"))
    (home / ".ssh" / "key").write_text("secret")
    (home / ".cache").mkdir()
    (home / ".cache" / "named").write_text("named")
    outside = Path("/var/tmp") / f"clara-test-{meeting.name}"
    outside.write_text("the machine's")
    request.addfinalizer(outside.unlink)
    definition = project.definition(
        f"""
        - name: a
          container: {{image: a}}
          variables: {{WEIGHTS: {home}/.cache/named, SCRATCH: {outside}}}
          input: [{{path: /input}}]
          output: [{{path: /output}}]
        """,
        "0.4.0",
    )
    project.operator(
        "a",
        f"""
        import os, tempfile
        from pathlib import Path
        home = Path.home()
        assert str(home) == "{home}"
        assert (home / "models" / "weights").read_text() == "weights"
        assert not (home / ".ssh").exists()
        assert Path(os.environ["WEIGHTS"]).read_text() == "named"
        assert not Path("{outside}").exists()
        Path("{outside}").write_text("own")
        assert tempfile.gettempdir() == os.environ["TMPDIR"] and (home / "scratch" / "kept").exists()
        for folder in (home, home / ".config", Path("/tmp"), Path("/var/tmp"), Path(tempfile.gettempdir()), Path.cwd()):
            folder.mkdir(exist_ok=True)
            (folder / "clara-own").write_text("x")
        for path in ("/input/x", "/etc/x", "/usr/x", home / "models" / "x", "{project.folder}/a/x"):
            try:
                Path(path).write_text("x")
            except OSError as error:
                assert error.errno == 30, (path, error)
            else:
                raise SystemExit(f"wrote {{path}}")
        assert len([name for name in os.listdir("/proc") if name.isdigit()]) < 5
        assert os.path.exists("/dev/null") and os.path.isdir("/dev/shm")
        Path("/dev/shm/{meeting.name}/seen").touch()
        """,
    )
    job, _ = clara.run(definition, data)
    assert (meeting / "seen").exists()
    assert os.listdir(home / "scratch" / "tmp") == [] and outside.read_text() == "the machine's"
    for path in (home / "clara-own", home / ".config", Path("/tmp/clara-own"), Path("/var/tmp/clara-own")):
        assert not path.exists(), path
    folder = Path(os.environ["CLARA_ROOT"]) / "jobs" / job
    assert not (folder / "work").exists()
    # After a failure the work folder is kept, and what was the operator's own is not.
    project.operator("a", "open('/tmp/big', 'w').close(); open('kept', 'w').close(); raise SystemExit(3)")
    job, _ = clara.run(definition, data, code=1)
    work = folder.parent / job / "work" / "a"
    assert (work / "root" / "app" / "kept").exists() and not (work / "own").exists()


DIAMOND = """
- name: start
  container: {image: ubuntu, command: [sh, -c, 'echo s > /out/s.txt']}
  output: [{path: /out}]
- name: left
  container: {image: ubuntu, command: [sh, -c, 'cat /in/s.txt > /named/l.txt; echo more > /more/m.txt']}
  input: [{from: start, path: /in}]
  output: [{name: named, path: /named}, {name: more, path: /more}]
- name: right
  container: {image: ubuntu, command: [sh, -c, 'cp /in/* /out; cp /raw/a.txt /out']}
  input: [{from: start, path: /in}, {path: /raw}]
  output: [{name: only, path: /out}]
- name: end
  container: {image: ubuntu, command: [sh, -c, 'cat /l/l.txt /m/m.txt /r/s.txt /r/a.txt /raw/sub/b.txt; ls /all']}
  input:
  - {from: left, name: named, path: /l}
  - {from: left, name: more, path: /m}
  - {from: right, name: only, path: /r}
  - {from: left, path: /all}
  - {path: /raw}
- name: alone
  container: {image: bash, command: [bash, -c, 'echo alone']}
"""


def test_a_diamond_of_plain_commands(clara: Clara, project: Project, data: Path, tmp_path: Path, way: str) -> None:
    """Fan-out, fan-in, several inputs of one operator, the payload beside them; no input, no output, neither."""
    job, _ = clara.run(project.definition(DIAMOND, "0.4.0"), data)
    assert clara("logs", "-j", job, "-o", "end").lines == ["s", "more", "s", "ab" + "more", "named"]
    assert clara("logs", "-j", job, "-o", "alone").lines == ["alone"]
    assert output(clara, job, "left", tmp_path) == {"named/l.txt": "s\n", "more/m.txt": "more\n"}
    assert output(clara, job, "right", tmp_path) == {"only/s.txt": "s\n", "only/a.txt": "a"}


def test_a_program_without_mounts_that_names_a_path_is_told_so(
    clara: Clara, project: Project, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLARA_MOUNTS", "off")
    definition = project.definition(
        "- name: a\n  container: {image: a}\n  input: [{path: /declared/in}]\n  output: [{path: /out}]\n", "0.4.0"
    )
    project.operator("a", "import os\nos.listdir('/declared/in')")
    job, started = clara.run(definition, data, code=1)
    log = clara("logs", "-j", job, "-o", "a").out
    assert "clara: this program names /declared/in itself, and ran without mounts: mounts are off" in log
    assert "NVIDIA_CLARA_INPUTPATHS" in log and "/out" not in log.partition("clara: ")[2].partition(",")[0]
    assert "this program names /declared/in itself" in started.err
    # Another fault is left alone.
    project.operator("a", "raise SystemExit('no file /elsewhere: no such file')")
    job, _ = clara.run(definition, data, code=1)
    assert "clara:" not in clara("logs", "-j", job, "-o", "a").out


def test_images_without_a_program_are_all_named_before_anything_starts(
    clara: Clara, project: Project, way: str
) -> None:
    definition = project.definition(
        """
        - {name: one, container: {image: "nvcr.io/clara/one", tag: "1"}}
        - {name: two, container: {image: ubuntu, tag: "18.04"}}
        - {name: three, container: {image: python, command: [no-such-program-here]}}
        - {name: four, container: {image: busybox, command: [sh, -c, 'echo ran']}}
        """,
        "0.4.0",
    )
    job = clara.job(clara.pipeline(definition))
    answer = clara("start", "job", "-j", job, code=1)
    assert answer.out == ""
    for told in (
        "operator one: no local program for image nvcr.io/clara/one:1",
        "clara create image -n nvcr.io/clara/one:1 -p FOLDER",
        "operator two: image ubuntu:18.04 is a bare system or interpreter, and the definition gives no command",
        "add container.command to the operator",
        "operator three: image python:latest is a bare system or interpreter, and this machine has no program",
    ):
        assert told in answer.err
    assert "operator four" not in answer.err
    assert "JOB_STATE_PENDING" in clara("describe", "job", "-j", job).out
    # Registered, a bare image is a program like any other.
    for name in ("nvcr.io/clara/one", "ubuntu", "python"):
        clara("create", "image", "-n", name, "-p", project.operator(name.rpartition("/")[2], "print('mine')"))
    clara("start", "job", "-j", job)
    assert clara("logs", "-j", job, "-o", "two").lines == ["mine"]


def test_what_counts_as_bare() -> None:
    for image in ("ubuntu:18.04", "docker.io/library/centos:7", "index.docker.io/fedora", "python:3.9-slim", "bash"):
        assert is_bare(parse_reference(image)), image
    for image in ("clara/ubuntu", "my.registry:5000/ubuntu", "nvcr.io/nvidia/clara/python", "dicom-reader"):
        assert not is_bare(parse_reference(image)), image


def expected(project: Project, way: str, job: str) -> dict[str, str]:
    """The documented environment of operator `a`, in full."""
    root = Path(os.environ["CLARA_ROOT"])
    payload = next((root / "payloads").iterdir())
    work = root / "jobs" / job / "work" / "a" / "root" / "app"
    inside = way == "mounts"
    folders = {
        "in": "/input" if inside else f"{payload}/input",
        "in2": "/second" if inside else f"{payload}/input",
        "out": "/output" if inside else f"{payload}/operators/a/out",
        "logs": "/logs" if inside else f"{payload}/operators/a/logs",
        "publish": "/publish" if inside else f"{payload}/operators/a/publish",
    }
    return {
        "PATH": f"{Path(sys.executable).parent}:/app/bin:/usr/bin:/bin".replace(
            "/app", "/app" if inside else str(work)
        ),
        "HOME": os.environ["HOME"],
        "LANG": "C.UTF-8",
        "https_proxy": "http://proxy:1",
        "OMP_NUM_THREADS": "2",
        "CUDA_VISIBLE_DEVICES": "",
        "FROM_IMAGE": "image",
        "BYTES": ' $HOME `x` "q" \\n ä ',
        "NUMBER": "0x10",
        "EMPTY": "",
        "PYTHONPATH": str(OPERATOR_PATH),
        "PYTHONUNBUFFERED": "1",
        "PWD": "/app" if inside else str(work),
        "NVIDIA_CLARA_JOBID": job,
        "NVIDIA_CLARA_JOBNAME": "job",
        "NVIDIA_CLARA_STAGENAME": "a",
        "NVIDIA_CLARA_INPUTPATHS": f":{folders['in']};label:{folders['in2']}",
        "NVIDIA_CLARA_OUTPUTPATHS": f"out:{folders['out']};logs:{folders['logs']};publish:{folders['publish']}",
        "NVIDIA_CLARA_INPUT": folders["in"],
        "NVIDIA_CLARA_OUTPUT": folders["out"],
        "NVIDIA_CLARA_LOGS": folders["logs"],
        "NVIDIA_CLARA_PUBLISHING": folders["publish"],
        "CLARA_JOB_SOCKET": f"clara-{job}",
    }


def test_the_environment_is_exactly_what_is_documented(
    clara: Clara, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for name in list(os.environ):
        if name not in ("HOME", "CLARA_ROOT", "CLARA_MOUNTS", "PYTEST_CURRENT_TEST"):
            monkeypatch.delenv(name)
    given = {"LANG": "C.UTF-8", "https_proxy": "http://proxy:1", "OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": ""}
    leaks = {"SECRET_TOKEN": "x", "NVIDIA_CLARA_NOSYNCLOCK": "1", "PYTHONSTARTUP": "x", "PYTHONPATH": "/x"}
    for name, value in {**given, **leaks, "PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": "/x", "OLDPWD": "/"}.items():
        monkeypatch.setenv(name, value)
    definition = project.definition(
        r"""
        - name: a
          container: {image: a}
          input: [{path: /input}, {path: /second, name: label}]
          output: [{name: out, path: /output}, {name: logs, path: /logs}, {name: publish, path: /publish}]
          variables: {BYTES: ' $HOME `x` "q" \n ä ', NUMBER: 0x10, EMPTY: }
        """,
        "0.4.0",
    )
    folder = project.operator("a", "import json, os\nprint(json.dumps(dict(os.environ)))")
    (folder / "Dockerfile").write_text(
        'FROM ubuntu\nENV FROM_IMAGE=image PATH=/app/bin:$PATH\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n'
    )
    job, _ = clara.run(definition, tmp_path / "project")
    seen = json.loads(clara("logs", "-j", job, "-o", "a").out)
    wanted = expected(project, way, job)
    # What Python itself adds in this locale.
    seen.pop("LC_CTYPE", None)
    assert seen == wanted
    shown = clara("describe", "job", "-j", job, "--verbose").out.partition("ENVIRONMENT:")[2].splitlines()
    told = dict(line.strip(" ").partition("=")[::2] for line in shown if line.startswith("    "))
    assert {name: value.strip() for name, value in told.items()} == {k: v.strip() for k, v in wanted.items()}


def test_describe_shows_what_each_operator_was_started_with(
    clara: Clara, project: Project, data: Path, way: str
) -> None:
    definition = project.definition(
        "- name: a\n  container: {image: busybox, command: [sh, -c, 'ls /in; exit 3']}\n  input: [{path: /in}]\n"
        "- name: b\n  container: {image: busybox, command: [sh]}\n  input: [{from: c, path: /in}]\n"
        "- name: c\n  container: {image: busybox, command: [sleep, '9']}\n  output: [{path: /out}]\n",
        "0.4.0",
    )
    job, _ = clara.run(definition, data, code=1)
    plain = clara("describe", "job", "-j", job).out
    shown = clara("describe", "job", "-j", job, "--verbose").out
    assert shown.startswith(plain.rstrip("\n")) and "COMMAND" not in plain
    real = next((Path(os.environ["CLARA_ROOT"]) / "payloads").iterdir()) / "input"
    inside = way == "mounts"
    assert f"  COMMAND: sh -c 'ls {'/in' if inside else real}; exit 3'\n" in shown
    assert (f"  MOUNTS:\n    /in is {real} (read-only)\n" if inside else "  MOUNTS: none; mounts are off") in shown
    assert "\nb: not started" in shown
    kept = Path(os.environ["CLARA_ROOT"]) / "jobs" / job / "operators" / "a.json"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_the_command_can_be_run_again_by_hand(clara: Clara, project: Project, data: Path) -> None:
    """Without mounts: what `describe --verbose` shows is all there is."""
    os.environ["CLARA_MOUNTS"] = "off"
    try:
        definition = project.definition("- name: a\n  container: {image: a}\n  input: [{path: /input}]\n", "0.4.0")
        project.operator(
            "a", "import os\nprint(sorted(os.listdir(os.environ['NVIDIA_CLARA_INPUT'])))\nraise SystemExit(4)"
        )
        job, _ = clara.run(definition, data, code=1)
    finally:
        del os.environ["CLARA_MOUNTS"]
    kept = json.loads((Path(os.environ["CLARA_ROOT"]) / "jobs" / job / "operators" / "a.json").read_text())
    done = subprocess.run(
        kept["command"], cwd=kept["folder"], env=kept["environment"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()) == (4, clara("logs", "-j", job, "-o", "a").lines)
