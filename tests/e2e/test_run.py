"""`clara run`: from a definition to its results."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
from support import Clara, Project, installed_command, on_terminal, processes_of, wait_until

from clara_cli.pipelines import load

COPY = """
import os, shutil
source, target = (os.environ[f"NVIDIA_CLARA_{side}PATHS"].split(":")[1] for side in ("INPUT", "OUTPUT"))
shutil.copytree(source, target, dirs_exist_ok=True)
if os.path.exists(source + "/fail"):
    raise SystemExit("told to fail")
"""
CHAIN = """
- name: a
  container: {image: copy}
  input:
  - {path: /in}
  output:
  - {path: /out}
- name: b
  container: {image: copy}
  input:
  - {from: a, path: /in}
  output:
  - {name: deep, path: /out}
"""


@pytest.fixture
def chain(project: Project) -> Path:
    project.operator("copy", COPY)
    data = project.folder / "data"
    (data / "sub").mkdir(parents=True)
    (data / "sub" / "x y.txt").write_text("content")
    return project.definition(CHAIN, "0.4.0")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_definition_becomes_results(clara: Clara, chain: Path, tmp_path: Path) -> None:
    answer = clara("run", chain, "-f", chain.parent / "data", "-o", tmp_path / "r" / "s")
    assert [line.split(":")[0] for line in answer.lines[:2]] == ["JOB_ID", "PAYLOAD_ID"]
    assert answer.lines[2:] == [
        "Payload uploaded successfully.",
        "Job Start request submitted successfully with JOB_STATUS_HEALTHY",
    ]
    assert files(tmp_path / "r" / "s") == ["a/sub/x y.txt", "b/deep/sub/x y.txt"]
    assert answer.err.endswith(f"results: 2 files in {tmp_path / 'r' / 's'}\n")
    described = clara("describe", "job", "-j", answer.lines[0].split()[1]).lines
    assert described[3] == "NAME: test-pipeline" and described[4:7] == [
        "PRIORITY: JOB_PRIORITY_NORMAL",
        "STATUS: JOB_STATUS_HEALTHY",
        "STATE: JOB_STATE_STOPPED",
    ]


def test_an_unchanged_definition_is_stored_once(clara: Clara, chain: Path, tmp_path: Path) -> None:
    clara("run", chain, "-n", "first")
    clara("run", chain, "-n", "second", "-i", "high")
    assert len(clara("list", "pipelines", "-q").lines) == 1
    jobs = clara("list", "jobs").lines
    assert [line.split()[0] for line in jobs[1:]] == ["second", "first"] and "JOB_PRIORITY_HIGHER" in jobs[1]
    chain.write_text(chain.read_text() + "# changed\n")
    clara("run", chain)
    assert len(clara("list", "pipelines", "-q").lines) == 2
    # The programs beside it are others when it lies elsewhere.
    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "elsewhere" / chain.name
    other.write_bytes(chain.read_bytes())
    clara("run", other, code=1)
    assert len(clara("list", "pipelines", "-q").lines) == 3


def test_only_what_may_have_become_another_definition_is_checked_again(
    clara: Clara, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Path] = []

    load_pipeline = load.load_pipeline

    def loading(path: Path) -> load.Loaded:
        checked.append(path)
        return load_pipeline(path)

    monkeypatch.setattr(load, "load_pipeline", loading)
    text = chain.read_text()
    for content, again in (
        (text, True),
        (text, False),
        (text + "colour: red\n", True),
        (text + "colour: red\n", True),  # its warning is shown each time
        (text, False),
    ):
        chain.write_text(content)
        answer = clara("run", chain)
        assert ("colour" in answer.err) == ("colour" in content)
        assert bool(checked) == again
        checked.clear()
    chain.write_text(text.replace("copy}", "}"))
    assert f"{chain}:6:15: image" in clara("run", chain, code=1).err
    chain.write_text(text)
    monkeypatch.setattr("clara_cli.pipelines.checked.__version__", "another")
    checked.clear()
    clara("run", chain)
    assert checked


def test_only_some_results_and_nothing_else_is_touched(clara: Clara, chain: Path, tmp_path: Path) -> None:
    target = tmp_path / "r"
    (target / "b" / "deep" / "sub").mkdir(parents=True)
    (target / "b" / "deep" / "sub" / "x y.txt").write_text("old")
    (target / "mine.txt").write_text("mine")
    clara("run", chain, "-f", chain.parent / "data", "-o", target, "--only", "B")
    assert files(target) == ["b/deep/sub/x y.txt", "mine.txt"]
    assert (target / "b" / "deep" / "sub" / "x y.txt").read_text() == "content"


def test_without_a_folder_the_results_stay_in_the_payload(clara: Clara, chain: Path) -> None:
    answer = clara("run", chain, "-f", chain.parent / "data")
    payload = answer.lines[1].split()[1]
    assert f"results: {Path(os.environ['CLARA_ROOT'])}/payloads/{payload}/operators" in answer.err


def test_a_job_that_fails_leaves_its_words_and_no_results(clara: Clara, chain: Path, tmp_path: Path) -> None:
    (chain.parent / "data" / "fail").touch()
    answer = clara("run", chain, "-f", chain.parent / "data", "-o", tmp_path / "r", code=1)
    job = answer.lines[0].split()[1]
    assert "Error: operator a failed: exit code 1" in answer.err and "  told to fail" in answer.err
    assert f"to go on from there: clara start job -j {job} --resume" in answer.err
    assert not (tmp_path / "r").exists()
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "mine").touch()
    clara("run", chain, "-f", chain.parent / "data", "-o", tmp_path / "r", code=1)
    assert files(tmp_path / "r") == ["mine"]


def test_an_operator_without_files_is_said(clara: Clara, project: Project, tmp_path: Path) -> None:
    project.operator("a", "")
    definition = project.definition("- name: a\n  container: {image: a}\n  output:\n  - {path: /out}\n", "0.4.0")
    answer = clara("run", definition, "-o", tmp_path / "r")
    assert "operator a left no files" in answer.err and "results: 0 files" in answer.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "expected the file of a definition: clara run FILE -f DATA -o FOLDER"),
        (["{chain}", "--only", "a"], 2, "--only says whose results are wanted: add --output FOLDER"),
        (["{chain}", "-o", "r", "--only", "c"], 1, '--only: the pipeline has no operator "c"; it has a, b'),
        (["{chain}", "-o", "{chain}"], 1, "is a file: expected a folder for the results"),
        (["{chain}", "-o", "/proc/none"], 1, "cannot make the folder for the results /proc/none"),
        (["{chain}", "-o", " "], 2, "--output is empty: expected a folder"),
        (["{chain}", "-f", ""], 2, "--files is empty: expected a file or a folder"),
        (["{chain}", "-n", ""], 2, "the name of a job has 1 to 255 characters"),
        (["{chain}", "-i", "urgent"], 2, '"urgent" is no priority'),
        (["{chain}", "--set", "x"], 2, '--set "x": expected NAME=VALUE'),
        (["none.yaml"], 1, "none.yaml"),
        (["{chain}", "-f", "none"], 1, "no file or folder none"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    clara: Clara, chain: Path, words: list[str], code: int, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = clara("run", *(word.format(chain=chain) for word in words), code=code)
    assert said in answer.err and answer.out == ""
    assert clara("list", "jobs", "-q").out == ""


def test_values_and_zip_files(clara: Clara, project: Project, tmp_path: Path) -> None:
    project.operator("say", "import os\nopen(os.environ['NVIDIA_CLARA_OUTPUT'] + '/x', 'w').write(os.environ['W'])")
    text = (
        "api-version: 0.5.0\norchestrator: Clara\nname: n\nparameters:\n  WORD: none\noperators:\n- name: a\n"
        "  container: {image: say}\n  variables: {W: '${{WORD}}'}\n"
        "  output:\n  - {name: o, path: /output, type: stream, element-type: raw}\n"
    )
    with zipfile.ZipFile(project.folder / "p.zip", "w") as archive:
        archive.writestr("p.yaml", text)
    clara("run", project.folder / "p.zip", "--set", "WORD=hello", "-o", tmp_path / "r")
    assert (tmp_path / "r" / "a" / "o" / "x").read_text() == "hello"


def test_interrupting_cancels_the_job(clara: Clara, project: Project, tmp_path: Path) -> None:
    project.operator("a", "import time\nprint('asleep', flush=True)\ntime.sleep(600)")
    definition = project.definition("- name: a\n  container: {image: a}\n", "0.4.0")
    command = [installed_command(), "run", str(definition), "-o", str(tmp_path / "r")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    job = process.stdout.readline().split()[1]
    wait_until(lambda: "asleep" in clara("logs", "-j", job).out, "the operator")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert "JOB_STATUS_CANCELED" in clara("describe", "job", "-j", job).out
    assert processes_of(job) == [] and not (tmp_path / "r").exists()
    process.communicate()


def test_detaching_by_default_does_not_detach_a_run(clara: Clara, chain: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    command = [installed_command(), "run", str(chain), "-f", str(chain.parent / "data"), "-o", str(tmp_path / "r")]
    subprocess.run(command, env={**os.environ, "CLARA_START": "detach"}, check=True, capture_output=True)
    assert files(tmp_path / "r") and time.monotonic() - started < 60


def test_progress_is_drawn_on_a_terminal(clara: Clara, chain: Path, tmp_path: Path) -> None:
    code, shown = on_terminal("run", str(chain), "-f", str(chain.parent / "data"), "-o", str(tmp_path / "r"))
    assert code == 0 and "✔" in shown and "completed" in shown
