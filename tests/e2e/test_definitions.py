"""Definitions with placeholders and of several files, run for real; `validate` and `clarac`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from support import Clara, Project

Shell = Callable[..., subprocess.CompletedProcess[str]]
DEFINITIONS = Path(__file__).parents[1] / "definitions"

WRITER = """
    import os, sys
    from pathlib import Path
    folder = os.environ["NVIDIA_CLARA_OUTPUTPATHS"].split(":", 1)[1]
    Path(folder, "said.txt").write_text("|".join([os.environ.get("WORD", ""), *sys.argv[1:]]))
"""
READER = """
    import os, shutil
    from pathlib import Path
    source = os.environ["NVIDIA_CLARA_INPUTPATHS"].split(":", 1)[1]
    target = os.environ["NVIDIA_CLARA_OUTPUTPATHS"].split(":", 1)[1]
    for path in Path(source).iterdir():
        shutil.copy(path, target)
"""
TEMPLATE = """\
api-version: 0.4.0
name: template
parameters:
  IMAGE:
  WORD: hello
  CPUS: 1
operators:
- name: writer
  container:
    image: ${{ image }}
    command: ["${{JOB_NAME}}", "${{ JOB_ID }}"]
  variables: {WORD: "${{WORD}} ${{WORD}}"}
  requests:
    cpu: ${{CPUS}}
  output: [{path: /output}]
"""


def said(clara: Clara, job: str, world: Path, operator: str = "writer") -> str:
    clara("download", f"{job}:/operators/{operator}/*", world / f"r-{job}")
    return (world / f"r-{job}" / "said.txt").read_text()


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


@pytest.fixture
def template(project: Project) -> Path:
    project.operator("writer", WRITER)
    path = project.folder / "pipeline.yaml"
    path.write_text(TEMPLATE)
    return path


def test_placeholders_are_filled_at_the_start(clara: Clara, template: Path, world: Path) -> None:
    pipeline = clara.pipeline(template)
    shown = clara("describe", "pipeline", "-p", pipeline).out
    assert "IMAGE       -" in shown and "WORD        hello" in shown
    job = clara.job(pipeline, name="first run")
    # The job runs what it was made of, whatever becomes of the file.
    template.write_text("changed")
    clara("start", "job", "-j", job, "--set", "IMAGE=group/writer", "--set", "word=a=b c")
    assert said(clara, job, world) == f"a=b c a=b c|first run|{job}"
    described = clara("describe", "job", "-j", job)
    assert described.lines[9] == "COMPLETED: 1"
    assert "word        a=b c" in described.out


def test_create_and_start_at_once(clara: Clara, template: Path, world: Path) -> None:
    pipeline = clara.pipeline(template)
    done = clara("create", "jobs", "-n", "x", "-p", pipeline, "--start", "--set", "IMAGE=writer")
    job = done.lines[0].removeprefix("JOB_ID: ")
    assert said(clara, job, world) == f"hello hello|x|{job}"
    assert "--set gives values" in clara("create", "jobs", "-n", "x", "-p", pipeline, "--set", "A=1", code=2).err


def test_a_detached_runner_gets_the_values(clara: Clara, shell: Shell, template: Path, world: Path) -> None:
    job = clara.job(clara.pipeline(template))
    script = f"clara start job -j {job} --detach --set IMAGE=writer --set WORD=far && "
    script += (
        f"for i in $(seq 200); do clara describe job -j {job} | grep -q JOB_STATE_STOPPED && break; sleep 0.1; done"
    )
    assert shell(script).returncode == 0
    assert said(clara, job, world).startswith("far far|")


def test_nothing_runs_while_something_is_not_filled(clara: Clara, template: Path, world: Path) -> None:
    job = clara.job(clara.pipeline(template))
    refused = clara("start", "job", "-j", job, "--set", "WRD=1", "--set", "CPUS=two", code=1)
    assert refused.out == ""
    for told in (
        "pipeline.yaml:3:1: a value is given for",
        'did you mean "WORD"?',
        "give it a value: --set image=VALUE",
        'pipeline.yaml:14:10: cpu: found "two"',
        "3 errors in pipeline.yaml",
    ):
        assert told in refused.err
    assert "JOB_STATE_PENDING" in clara("describe", "job", "-j", job).out
    clara("start", "job", "-j", job, "--set", "IMAGE=writer")
    assert "was started before" in clara("start", "job", "-j", job, "--set", "NO=1", code=1).err


@pytest.mark.parametrize("words", [["--set", "A"], ["--set", "=1"], ["--set", "A=1", "--set", "a=2"]])
def test_values_that_are_none(clara: Clara, words: list[str]) -> None:
    answer = clara("start", "job", "-j", "00", *words, code=2)
    assert "expected NAME=VALUE" in answer.err or "two values" in answer.err


@pytest.mark.parametrize("kind", ["file", "folder", "zip"])
def test_a_definition_of_several_files(clara: Clara, project: Project, world: Path, kind: str) -> None:
    project.operator("producer", WRITER)
    project.operator("consumer", READER)
    shutil.copytree(DEFINITIONS / "sample-pipeline", project.folder, dirs_exist_ok=True)
    append(project.folder / "consumer.yaml", "output: [{path: /output}]\n")
    path = {"file": project.folder / "sample-pipeline.yaml", "folder": project.folder}.get(kind, world / "d.zip")
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in project.folder.glob("*.yaml"):
                archive.write(file, file.name)
        shutil.move(project.folder / "producer", world)
        shutil.move(project.folder / "consumer", world)
    job, _ = clara.run(path)
    assert said(clara, job, world, "consumer") == ""


def test_errors_in_an_imported_file_name_it(clara: Clara, project: Project) -> None:
    shutil.copytree(DEFINITIONS / "sample-pipeline", project.folder, dirs_exist_ok=True)
    append(project.folder / "consumer.yaml", "output: [{path: output}]\n")
    answer = clara("create", "pipelines", "-p", project.folder, code=1)
    assert f'{project.folder}/consumer.yaml:11:17: path: found "output"' in answer.err
    assert clara("list", "pipelines", "-q").out == ""


def test_validate(clara: Clara, template: Path) -> None:
    for noun in ("pipeline", "pipelines"):
        answer = clara("validate", noun, "-p", template)
        assert (answer.out, answer.err) == (f"{template}: valid, 1 operator\n", "")
    assert clara("list", "pipelines", "-q").out == ""
    assert "cpu: found" in clara("validate", "pipeline", "-p", template, "--set", "CPUS=x", code=1).err
    assert json.loads(clara("validate", "pipeline", "-p", template, "--output", "json").out) == []
    assert '"xml" is no output format' in clara("validate", "pipeline", "-p", template, "-o", "xml", code=2).err


def test_validate_for_editors(clara: Clara, template: Path) -> None:
    template.write_text(TEMPLATE.replace("requests", "nmae: 1\n  requests").replace("/output", "output"))
    answer = clara("validate", "pipelines", "-p", template, "--output", "json", code=1)
    assert answer.err == ""
    assert json.loads(answer.out) == [
        {
            "file": str(template), "line": 13, "column": 3, "severity": "warning",
            "message": 'unknown key "nmae" is ignored', "hint": 'did you mean "name"?',
        },
        {
            "file": str(template), "line": 16, "column": 19, "severity": "error",
            "message": 'path: found "output", expected an absolute path, such as /input', "hint": None,
        },
    ]  # fmt: skip
    template.write_text(TEMPLATE + "nmae: 1\n")
    (problem,) = json.loads(clara("validate", "pipelines", "-p", template, "--output=json").out)
    assert problem["severity"] == "warning"
    (problem,) = json.loads(clara("validate", "pipeline", "-p", template.parent / "writer", "-o=json", code=1).out)
    assert (problem["file"], problem["line"], problem["column"]) == (str(template.parent / "writer"), 0, 0)
    assert "there is no file" in clara("validate", "pipeline", "-p", "/nonexistent", "--output", "json", code=1).err


def clarac(*words: object) -> tuple[int, str, str]:
    from clara_cli.clarac import clarac as command

    result = CliRunner().invoke(command, [str(word) for word in words], prog_name="clarac")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_the_compiler_as_it_is_called_by_others(shell: Shell, world: Path) -> None:
    done = shell(f"clarac -p {DEFINITIONS}/sample-pipeline/sample-pipeline.yaml -o out.yaml --resolve-imports")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert yaml.safe_load((world / "out.yaml").read_text()) == {
        "api-version": "0.2.0",
        "orchestrator": "Argo",
        "name": "sample-pipeline",
        "operators": [
            {
                "name": "producer",
                "container": {"image": "sample/producer", "tag": "latest"},
                "input": [],
                "output": [{"name": None, "path": "/output"}],
            },
            {
                "name": "consumer",
                "container": {"image": "sample/consumer", "tag": "latest"},
                "input": [{"from": "producer", "name": None, "path": "/input"}],
            },
        ],
    }
    assert [path.name for path in world.glob("*out.yaml*")] == ["out.yaml"]


def test_the_compiler_fills_placeholders(template: Path) -> None:
    code, out, err = clarac("-p", template, "--set", "IMAGE=i", "--set", "CPUS=3")
    assert (code, err) == (0, "")
    (operator,) = yaml.safe_load(out)["operators"]
    assert operator["requests"] == {"cpu": 3}
    assert operator["variables"] == {"WORD": "hello hello"}
    # These have no value before a job.
    assert operator["container"]["command"] == ["${{JOB_NAME}}", "${{ JOB_ID }}"]
    assert clarac("-p", template, "--set", "IMAGE=i", "-o", "-")[1] == clarac("-p", template, "--set", "IMAGE=i")[1]


def test_the_compiler_says_what_is_wrong(template: Path, world: Path) -> None:
    code, out, err = clarac("-p", template, "-o", world / "out.yaml")
    assert (code, out) == (1, "")
    assert err.startswith("Error: ") and "nothing fills ${{ image }}" in err
    assert not (world / "out.yaml").exists()
    code, out, err = clarac("-p", template, "--set", "IMAGE=i", "-o", world / "no" / "out.yaml")
    assert (code, out) == (1, "") and "cannot write" in err
    assert clarac("-p", "/nonexistent")[0] == 1
    assert clarac()[0] == 2


def test_only_placeholders_are_worth_reading_yaml_at_the_start(clara: Clara, template: Path) -> None:
    program = (
        "import sys\nfrom clara_cli.cli import cli\ntry:\n    cli(sys.argv[1:])\nexcept SystemExit as end:\n"
        "    print(end.code, *sorted({'yaml', 'jsonschema'} & set(sys.modules)), file=sys.stderr)"
    )
    answers = []
    for text in (TEMPLATE, TEMPLATE.replace("${{ image }}", "writer").replace("${{", "{").replace("{CPUS}}", "1")):
        template.write_text(text)
        job = clara.job(clara.pipeline(template))
        words = ["start", "job", "-j", job, *(["--set", "IMAGE=writer"] if text is TEMPLATE else [])]
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
        answers.append(done.stderr.splitlines()[-1])
    assert answers == ["0 jsonschema yaml", "0"]
