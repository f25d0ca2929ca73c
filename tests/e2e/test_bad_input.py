"""What bad input gets: one clear message on stderr, a non-zero exit, nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import EXAMPLE, Clara, Project, nibabel_volumes

Shell = Callable[..., subprocess.CompletedProcess[str]]
DEFINITION = EXAMPLE / "fastio-passthrough-dynamic-pipeline.yaml"


def refused(clara: Clara, *words: object, code: int = 1) -> str:
    """What is said of a call that fails; stdout stays empty, and there is no stack."""
    answer = clara(*words, code=code)
    assert answer.out == ""
    assert answer.err.startswith("Error: ")
    assert answer.err.count("\nError: ") == 0
    assert "Traceback" not in answer.err
    return answer.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["create", "pipelines"], 'required flag(s) "path" not set'),
        (["create", "jobs"], 'required flag(s) "name", "pipeline" not set'),
        (["create", "job", "-n", "x"], 'required flag(s) "pipeline" not set'),
        (["create", "image", "-n", "x"], 'required flag(s) "path" not set'),
        (["start", "job"], 'required flag(s) "job" not set'),
        (["logs"], 'required flag(s) "job" not set'),
        (["download"], "expected two words"),
        (["describe", "job"], "say which job: clara describe job -j JOB"),
        (["delete", "images"], "say which image"),
        (["crate", "job"], 'unknown command "crate" for "clara"; did you mean "create"?'),
        (["list", "piplines"], 'unknown command "piplines" for "clara list"; did you mean "pipelines"?'),
        (["list", "xyzzy"], 'unknown command "xyzzy" for "clara list"\nRun \'clara list --help\' for usage.'),
        (["list", "jobs", "--nonsense"], "unknown flag: --nonsense\nUsage:\n  clara list jobs [flags]\n"),
        (["create", "job", "-n", "x", "-p", "ab", "-i", "urgent"], '"urgent" is no priority'),
        (["create", "job", "-n", "x" * 256, "-p", "ab"], "has 1 to 255 characters, not 256"),
        (["create", "job", "-n", "x", "-p", "ab", "-f", ""], "--files is empty"),
        (["create", "job", "-n", " ", "-p", "ab"], "has 1 to 255 characters, not 0"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(clara: Clara, words: list[str], told: str) -> None:
    said = refused(clara, *words, code=2)
    assert told in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["start", "job", "-j", "zzz"], '"zzz" is not a job id'),
        (["start", "job", "-j", ""], '"(empty)" is not a job id'),
        (["start", "job", "-j", "00"], 'no job with id "00"'),
        (["describe", "job", "-j", "../../etc"], "is not a job id"),
        (["describe", "pipeline", "-p", "12"], 'no pipeline with id "12"'),
        (["create", "job", "-n", "x", "-p", "12"], 'no pipeline with id "12"'),
        (["create", "job", "-n", "x", "-p", "what"], '"what" is not a pipeline id'),
        (["logs", "-j", "12"], 'no job with id "12"'),
        (["describe", "image", "-n", "none"], "no registered image none; registered: none"),
        (["delete", "image", "none"], "no registered image none"),
        (["create", "image", "-n", "a b", "-p", "."], "'a b' is not an image name"),
        (["create", "image", "-n", "x", "-p", "/nonexistent"], "/nonexistent"),
        (["create", "pipelines", "-p", "/nonexistent.yaml"], "/nonexistent.yaml"),
        (["create", "pipelines", "-p", "~nosuchuser/x.yaml"], "~nosuchuser/x.yaml"),
        (["--config", "/nonexistent.yaml", "list", "jobs"], "no configuration file /nonexistent.yaml"),
        (["list", "jobs", "--config", "/nonexistent.yaml"], "no configuration file /nonexistent.yaml"),
    ],
)
def test_what_does_not_exist_is_named(clara: Clara, words: list[str], told: str) -> None:
    said = refused(clara, *words)
    assert told in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1\n", ":1:6: "),
        ("", "empty"),
        ("- a\n- b\n", ":1:1: "),
        ("just text\n", ":1:1: "),
        ("name: a\nname: b\n", ":2:1: "),
        (
            "a: &a [x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)),
            "alias",
        ),
        ("api-version: 9.9.9\nname: a\noperators: []\n", ":1:14: "),
        ("\0", "pipeline.yaml"),
    ],
)
def test_a_file_that_is_no_definition(clara: Clara, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "pipeline.yaml").write_text(text)
    said = refused(clara, "create", "pipelines", "-p", tmp_path / "pipeline.yaml")
    assert told in said
    assert clara("list", "pipelines", "-q").out == ""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("element-type: int32\n    shape: [4]\n  output", "element-type: int64\n    shape: [4]\n  output", "int64"),
        ("shape: [1, -1, -1, -1]\n  - from", "shape: [1, -1, -1]\n  - from", "(line 15) is float32 [1, -1, -1, -1]"),
        ("from: fastio-to-npz", "from: fastio-to-npy", 'did you mean "fastio-to-npz"?'),
        ("name: numpy_npz\n    path: /npz", "name: numpy\n    path: /npz", 'did you mean "numpy_npz"?'),
        (
            "- path: /input\n    type: stream\n    element-type: nifti\n  output",
            "- {from: fastio-to-npz, name: numpy_npz, path: /x, type: stream, element-type: npz}\n  output",
            "→",
        ),
        ("name: fastio-to-npz\n", "name: fastio/to/npz\n", "fastio/to/npz"),
        ("name: fastio-to-npz\n", "name: ..\n", '".."'),
        ("type: array", "type: arrray", 'did you mean "array"?'),
    ],
)
def test_a_definition_that_is_wrong(clara: Clara, tmp_path: Path, old: str, new: str, told: str) -> None:
    text = DEFINITION.read_text()
    assert old in text
    path = tmp_path / "pipeline.yaml"
    path.write_text(text.replace(old, new, 1))
    said = refused(clara, "create", "pipelines", "-p", path)
    assert told in said
    assert f"{path}:" in said and "^" in said
    assert clara("list", "pipelines", "-q").out == ""


def test_unknown_keys_are_warnings(clara: Clara, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(DEFINITION.read_text().replace("orchestrator: Clara", "orchestrator: Clara\ndescripton: x", 1))
    answer = clara("create", "pipelines", "-p", path)
    assert answer.out.startswith("PIPELINE_ID: ")
    assert answer.err.startswith("Warning: ") and 'did you mean "description"?' in answer.err


def test_ambiguous_ids_list_what_they_could_mean(clara: Clara) -> None:
    ids = {clara.pipeline(DEFINITION) for _ in range(17)}
    prefix = next(text[0] for text in ids if sum(other[0] == text[0] for other in ids) > 1)
    said = refused(clara, "describe", "pipeline", "-p", prefix)
    assert "could be more than one pipeline: " in said


def test_ids_with_dashes_capitals_and_prefixes(clara: Clara) -> None:
    pipeline = clara.pipeline(DEFINITION)
    dashed = "-".join((pipeline[:8], pipeline[8:12], pipeline[12:16], pipeline[16:20], pipeline[20:])).upper()
    for text in (dashed, pipeline[:6], pipeline.upper()):
        assert clara("describe", "pipeline", "-p", text).lines[0] == f"PIPELINE_ID: {pipeline}"


def test_a_job_runs_once(clara: Clara) -> None:
    job, _ = clara.run(DEFINITION, nibabel_volumes() / "anatomical.nii")
    said = refused(clara, "start", "job", "-j", job)
    assert "was started before: it is JOB_STATE_STOPPED" in said


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("/operators/none/*", 'has no operator "none"'),
        ("/operators/nifti-to-fastio/*.none", "nothing in the payload matches"),
        ("/../../../etc/passwd", "leaves the payload"),
        ("/operators/fastio-to-npz/../../../../*", "leaves the payload"),
        ("", "does not say what to download"),
    ],
)
def test_downloads_that_find_nothing(clara: Clara, tmp_path: Path, pattern: str, told: str) -> None:
    job = clara.job(clara.pipeline(DEFINITION))
    answer = clara("download", f"{job}:{pattern}", tmp_path / "r", code=1)
    assert told in answer.err and answer.err.count("Error: ") == 1
    assert not (tmp_path / "r").exists()


def test_an_input_that_cannot_be_uploaded_makes_no_job(clara: Clara, tmp_path: Path, world: Path) -> None:
    pipeline = clara.pipeline(DEFINITION)
    said = refused(clara, "create", "job", "-n", "x", "-p", pipeline, "-f", tmp_path / "none.nii")
    assert "no file or folder" in said
    assert clara("list", "jobs", "-q").out == ""
    assert list((world / "root" / "payloads").iterdir()) == []


def test_files_and_folders_without_permission(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    script = """
    cd "$EXAMPLE"
    PIPELINE=$(clara create pipelines -p fastio-passthrough-dynamic-pipeline.yaml | awk '{print $2}')
    cd "$OUT"
    touch secret.nii && chmod 000 secret.nii
    clara create job -n x -p $PIPELINE -f secret.nii; echo "upload $?"
    clara create pipelines -p secret.nii; echo "definition $?"
    JOB=$(clara create job -n x -p $PIPELINE -f "$VOLUME" -s 2>/dev/null | awk '/^JOB_ID/ {print $2}')
    chmod 500 closed
    clara download "$JOB:/operators/compare-input-to-npz/*" closed/deeper; echo "download $?"
    ls -A closed
    mkdir locked && chmod 500 locked
    CLARA_ROOT="$OUT/locked" clara list jobs; echo "root $?"
    CLARA_ROOT="$OUT/closed/root" clara list jobs; echo "root $?"
    chmod 700 closed locked
    clara list jobs -q | wc -l
    """
    done = shell(script, EXAMPLE=str(EXAMPLE), OUT=str(tmp_path), VOLUME=str(nibabel_volumes() / "anatomical.nii"))
    assert done.stdout.split("\n")[:7] == [
        *("upload 1", "definition 1", "Downloading...", "download 1", "root 1", "root 1", "1"),
    ], done.stdout + done.stderr
    for told in ("secret.nii: permission denied", "closed/deeper", "cannot use the root"):
        assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk(clara: Clara, shell: Shell, world: Path, tmp_path: Path) -> None:
    """A real one: the file size limit gives the same error path as a disk without space."""
    pipeline = clara.pipeline(DEFINITION)
    (tmp_path / "big.nii").write_bytes(bytes(4 << 20))
    done = shell(f"trap '' XFSZ; ulimit -f 1024; clara create job -n x -p {pipeline} -f {tmp_path}/big.nii; echo $?")
    assert done.stdout == "1\n"
    assert "Error: cannot upload" in done.stderr and "nothing was kept" in done.stderr
    assert list((world / "root" / "payloads").iterdir()) == []
    assert clara("list", "jobs", "-q").out == ""


def test_a_bug_is_one_line_and_a_file_with_the_details(
    clara: Clara, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import clara_cli.commands.list_pipelines as module

    def broken(*_: object) -> str:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(module, "table", broken)
    said = refused(clara, "list", "pipelines")
    assert "clara itself failed: ZeroDivisionError: a bug" in said
    details = Path(said.split("details: ")[1].strip())
    assert details.is_relative_to(world / "home")
    assert "ZeroDivisionError" in details.read_text()


def test_output_that_cannot_be_written(shell: Shell) -> None:
    done = shell("clara list jobs > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "Error: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("program", ["clara", "clarac"])
def test_lost_output_of_the_installed_programs(shell: Shell, program: str) -> None:
    for redirection in ("> /dev/full", ">&-", "| true"):
        done = shell(f"{program} --help {redirection}")
        lost = redirection == "> /dev/full"
        assert done.stderr == ("Error: cannot write the output: No space left on device\n" if lost else "")


@pytest.mark.parametrize("module, name", [("cli", "cli"), ("clarac", "clarac")])
def test_a_caller_in_the_same_process_keeps_its_stdout(shell: Shell, module: str, name: str) -> None:
    script = (
        f"import os, sys\nfrom clara_cli.{module} import {name}\nbefore = os.fstat(1)\n"
        "opened = os.listdir('/proc/self/fd')\n"
        f"try:\n    {name}(['--help'])\nexcept SystemExit as end:\n    assert end.code == 1\n"
        "assert os.fstat(1).st_rdev == before.st_rdev, 'stdout leads elsewhere'\n"
        "assert os.listdir('/proc/self/fd') == opened\nprint('kept', file=sys.stderr)\nos._exit(0)"
    )
    done = shell(f'{sys.executable} -c "$SCRIPT" > /dev/full', SCRIPT=script)
    assert done.stderr == "Error: cannot write the output: No space left on device\nkept\n"


def test_a_payload_that_is_gone(clara: Clara, world: Path) -> None:
    import shutil

    job = clara.job(clara.pipeline(DEFINITION))
    for folder in (world / "root" / "payloads").iterdir():
        shutil.rmtree(folder)
    assert "is gone" in refused(clara, "start", "job", "-j", job)


def test_output_that_nobody_reads(clara: Clara, shell: Shell) -> None:
    for _ in range(3):
        clara.pipeline(DEFINITION)
    done = shell("clara list pipelines | true; clara list pipelines | head -1")
    assert done.stderr == ""


def test_no_command_writes_where_it_was_called(clara: Clara, project: Project, shell: Shell) -> None:
    empty = project.folder / "empty"
    empty.mkdir()
    script = f"clara list jobs; clara create pipelines -p {DEFINITION}; clara --help; clara; clara version"
    done = shell(script, cwd=empty)
    assert done.stderr == "" or "Usage" in done.stderr
    assert os.listdir(empty) == []


def test_a_name_that_is_no_text_and_streams_that_are_closed(clara: Clara, shell: Shell) -> None:
    pipeline = clara.pipeline(DEFINITION)
    done = shell(f"clara create job -n $'a\\xff' -p {pipeline}")
    assert done.returncode == 2 and "must be UTF-8 text" in done.stderr
    assert shell("clara version >&-").returncode == 0
    assert shell("env -u HOME clara version").returncode == 0


def test_operators_with_the_longest_names(clara: Clara, project: Project) -> None:
    name = "a" * 250
    project.operator("a", "print('ran')")
    job, _ = clara.run(project.definition(f"- name: {name}\n  container: {{image: a}}\n", "0.4.0"))
    assert clara("logs", "-j", job, "-o", name).lines == ["ran"]


def test_files_whose_names_are_no_text(shell: Shell, world: Path) -> None:
    """From upload to download; the locale is one in which Python insists on UTF-8."""
    (world / "files" / "d\udcff").mkdir(parents=True)
    for name in ("d\udcff/f\udcfe.txt", "ü.txt"):
        (world / "files" / name).write_bytes(os.fsencode(name))
    operator = world / "copy"
    operator.mkdir()
    (operator / "main.py").write_text(
        "import os, shutil\nsource, target = (os.environ[f'NVIDIA_CLARA_{side}PATHS'].split(':', 1)[1]"
        " for side in ('INPUT', 'OUTPUT'))\nshutil.copytree(source, target, dirs_exist_ok=True)\n"
    )
    (world / "p.yaml").write_text(
        "api-version: 0.4.0\nname: n\noperators:\n- name: op\n  container: {image: copy}\n"
        "  input: [{path: /input}]\n  output: [{path: /output}]\n"
    )
    done = shell(
        """
        set -e
        P=$(clara create pipelines -p p.yaml | cut -d' ' -f2)
        J=$(clara create jobs -n job -p $P -f files | head -1 | cut -d' ' -f2)
        clara start job -j $J
        clara download $J:'/operators/op/*' all
        clara download "$J:/operators/op/d"$'\\xff'/f$'\\xfe'.txt one
        clara download "$J:/operators/op/d"$'\\xff/*.txt' wild
        clara describe job -j $J
        J=$(clara create jobs -n job -p $P -f "files/d"$'\\xff/f\\xfe.txt' | head -1 | cut -d' ' -f2)
        clara start job -j $J
        clara download "$J:/operators/op/*" $'to\\xff'
        ! clara download "$J:/operators/op/none"$'\\xff' nowhere
        ! clara create jobs -n job -p $P -f "none"$'\\xff'
        mv copy $'copy\\xff' && cp p.yaml $'copy\\xff'
        P=$(clara create pipelines -p $'copy\\xff/p.yaml' | cut -d' ' -f2)
        clara create images -n copy -p $'copy\\xff'
        J=$(clara create jobs -n job -p $P -f files | head -1 | cut -d' ' -f2)
        clara start job -j $J
        clara list images -q
        """,
        PYTHONIOENCODING="utf-8:strict",
        CLARA_ROOT=os.fsdecode(os.fsencode(world) + b"/root\xff"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("HEALTHY\ncopy\n"), done.stdout
    for path in ("all/d\udcff/f\udcfe.txt", "one", "wild/f\udcfe.txt", "to\udcff/f\udcfe.txt"):
        assert (world / path).read_bytes() == b"d\xff/f\xfe.txt"
    said = done.stderr
    assert "Error: nothing in the payload matches /operators/op/none\\xff" in said
    assert "Error: no file or folder none\\xff" in said
    assert "itself failed" not in said
