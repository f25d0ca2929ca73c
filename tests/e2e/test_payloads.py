"""Payloads, models and clean as users and scripts meet them."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import Clara, Project, installed_command, on_terminal

from clara_cli.config import load_config
from clara_cli.root import choose_root

ID = "[0-9a-f]{32}"
COPY = """
import os, shutil
source, target = (os.environ[f"NVIDIA_CLARA_{side}PATHS"].rpartition(":")[2] for side in ("INPUT", "OUTPUT"))
shutil.copytree(source, target, dirs_exist_ok=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


@pytest.fixture
def pipeline(clara: Clara, project: Project) -> str:
    """A pipeline whose one operator copies its input."""
    project.operator("copy", COPY)
    definition = project.definition(
        "- {name: copy, container: {image: copy, tag: latest}, input: [{path: /input}], output: [{path: /output}]}",
        version="0.4.0",
    )
    return clara.pipeline(definition)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("a")
    (folder / "sub" / "b").write_text("b")
    return folder


def payload_of(clara: Clara, *words: object) -> str:
    return clara("create", "payload", *words).lines[0].removeprefix("PAYLOAD_ID: ")


def test_a_reusable_payload_from_begin_to_end(clara: Clara, data: Path, tmp_path: Path) -> None:
    made = clara("create", "payloads", "-f", data, "--metadata", "site=A", "--metadata", "Study=1 2")
    assert re.fullmatch(f"PAYLOAD_ID: {ID}\nPayload uploaded successfully.\n", made.out)
    payload = made.lines[0].split()[1]
    assert clara("list", "payloads", "-q").lines == [payload]
    row = re.split(r"\s{3,}", clara("list", "payload").lines[1])
    assert row[:3] == ["REUSABLE", payload, "-"] and row[4] == "site=A, Study=1 2"
    assert clara("upload", "-p", payload[:6], data / "a", "--to", "x").out == "Uploading...\nUploaded 1 files.\n"
    shown = clara("describe", "payload", "-p", payload).lines
    assert shown[:3] == [f"PAYLOAD_ID: {payload}", "TYPE: PAYLOAD_TYPE_REUSABLE", "JOB_ID:"]
    assert "FILES: 3" in shown and "SIZE: 3" in shown and "METADATA: site=A" in shown
    assert [line.split()[-1] for line in shown[-3:]] == ["/a", "/sub/b", "/x/a"]
    assert clara("download", f"{payload}:/", tmp_path / "out").out == "Downloading...\nDownloaded 3 files.\n"
    assert (tmp_path / "out" / "x" / "a").read_text() == "a"
    assert clara("delete", "payloads", payload).out == f"Deleted payload {payload}.\n"
    assert clara("list", "payloads", "-q").out == ""
    assert list(choose_root(load_config()).payloads.iterdir()) == []


def test_jobs_of_reusable_payloads(clara: Clara, pipeline: str, data: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("other")
    first, second = payload_of(clara, "-f", data), payload_of(clara, "-f", tmp_path / "other")
    words = ("create", "job", "-n", "x", "-p", pipeline, "--metadata", "Source=PACS")
    made = clara(*words, "--input-payload", first, "--input-payload", second[:8])
    assert made.lines[2] == "Payload uploaded successfully."
    job = made.lines[0].split()[1]
    clara("start", "job", "-j", job)
    assert "METADATA: Source=PACS" in clara("describe", "job", job).lines
    clara("download", f"{job}:/operators/copy/*", tmp_path / "out")
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert found == ["a", "other", "sub/b"]
    # The copies are the job's own.
    clara("delete", "payload", first)
    assert clara("download", f"{job}:/input/a", tmp_path / "again").code == 0


def test_inputs_with_one_name_are_an_error_and_make_no_job(clara: Clara, pipeline: str, data: Path) -> None:
    payload = payload_of(clara, "-f", data)
    for more in (["-f", data / "a"], ["--input-payload", payload]):
        words = ("create", "job", "-n", "x", "-p", pipeline, "--input-payload", payload, *more)
        assert "two inputs have a file /input/a" in clara(*words, code=1).err
    job = clara.job(pipeline)
    own = clara("describe", "job", job).lines[1].split()[1]
    said = clara("create", "job", "-n", "x", "-p", pipeline, "--input-payload", own, code=1).err
    assert "belongs to a job: only a reusable one can be an input" in said
    assert clara("list", "jobs", "-q").lines == [job]


def test_a_jobs_payload_is_read_only_once_it_was_started(clara: Clara, pipeline: str, data: Path) -> None:
    job = clara.job(pipeline)
    assert clara("upload", "-p", job, data).lines[1] == "Uploaded 2 files."
    assert "which has not ended" in clara("delete", "payload", job_payload(clara, job), code=1).err
    clara("start", "job", "-j", job)
    assert "is read-only: its job" in clara("upload", "-p", job, data, code=1).err
    clara("delete", "payload", job_payload(clara, job))
    assert "PAYLOAD_FOLDER: (removed)" in clara("describe", "job", job).lines
    said = clara("download", f"{job}:/input/*", "out", code=1).err
    assert f"the payload of job {job} was removed; its record and logs are kept" in said


def job_payload(clara: Clara, job: str) -> str:
    return clara("describe", "job", job).lines[1].split()[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["upload", "-p", "ab"], "say what to upload"),
        (["upload", "x"], 'required flag(s) "payload" not set'),
        (["create", "payload", "-f", ""], "--files is empty"),
        (["create", "payload", "--metadata", "x"], 'metadata "x": expected KEY=VALUE'),
        (["delete", "payload"], "say which payload: clara delete payload PAYLOAD_ID ..."),
        (["describe", "payload"], "say which payload: clara describe payload -p PAYLOAD_ID"),
        (["delete", "models"], "say which model"),
        (["create", "model"], 'required flag(s) "path" not set'),
        (["create", "model", "-p", ".", "-t", "onnx"], '"onnx" is no type of model'),
        (["clean"], "no limit: expected --older-than 7d or --max-size 50G"),
        (["clean", "--older-than", "soon"], '"soon" is no age'),
        (["clean", "--max-size", "-1"], '"-1" is no size'),
    ],
)
def test_wrong_command_lines(clara: Clara, words: list[str], told: str) -> None:
    assert told in clara(*words, code=2).err


def test_what_is_not_there(clara: Clara, data: Path) -> None:
    for words in (["describe", "payload", "ff"], ["delete", "payload", "ff"], ["upload", "-p", "ff", data]):
        assert 'no payload with id "ff"' in clara(*words, code=1).err
    assert 'no model with id "ff"' in clara("delete", "models", "ff", code=1).err
    assert 'no job with id "ff"' in clara("download", "ff:/input/*", "out", code=1).err


def test_models_are_found_by_definitions(clara: Clara, project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "spleen"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "model.pt").write_text("weights")
    assert "has no config.pbtxt" in clara("create", "model", "-p", folder, "-t", "pytorch", code=1).err
    (folder / "config.pbtxt").write_text('name: "spleen"\nplatform: "pytorch_libtorch"\n')
    made = clara("create", "models", "-p", f"{folder}/", "-t", "pytorch")
    assert re.fullmatch(f"MODEL_ID: {ID}\n", made.out)
    model = made.out.split()[1]
    assert clara("list", "models").lines[1].split()[:4] == ["spleen", model, "pytorch", "1"]
    assert clara("list", "model", "--quiet").out == f"{model}\n"
    project.operator("seg", "print('ran')")
    # A Triton server that a job starts holds what definitions name.
    server = """
        import http.server, os, pathlib
        print(sorted(os.listdir("/common/models")) if os.path.isdir("/common/models") else sorted(os.environ))
        http.server.HTTPServer(("", int(os.environ.get("PORT", 8000))), http.server.BaseHTTPRequestHandler)
    """
    project.operator("triton", server)
    definition = project.definition(
        """
        - name: seg
          container: {image: seg, tag: latest}
          models: [{name: lung}]
          services:
          - name: triton
            container: {image: triton, tag: latest}
            connections: {http: [{name: NVIDIA_TRITON_HTTPURI, port: 8000}]}
        """,
        version="0.4.0",
    )
    job = clara.job(clara.pipeline(definition))
    said = clara("start", "job", "-j", job, code=1).err
    assert 'no model "lung"; known: spleen' in said and "clara create model -p FOLDER/lung registers it" in said
    raw = clara("create", "model", "-p", folder, "--raw")
    assert re.fullmatch(f"{ID}\n", raw.out) and f"it takes the place of model {model}" in raw.err
    repository = choose_root(load_config()).repository
    assert [path.name for path in repository.iterdir()] == [raw.out.strip()]
    assert (repository / raw.out.strip() / "spleen" / "1" / "model.pt").read_text() == "weights"
    assert clara("delete", "models", raw.out[:10]).out == f"Deleted model {raw.out.strip()} (spleen).\n"
    assert list(repository.iterdir()) == []


def test_clean_and_the_configured_limit(clara: Clara, project: Project, pipeline: str, data: Path) -> None:
    reusable, waiting = payload_of(clara, "-f", data), clara.job(pipeline, data, name="waiting")
    jobs = []
    for count in range(3):
        jobs.append(clara.job(pipeline, data, name=f"job-{count}"))
        clara("start", "job", "-j", jobs[-1])
    payloads = [job_payload(clara, job) for job in jobs]
    listed = clara("clean", "--older-than", "0s", "--dry-run")
    assert [line.split()[1:3] for line in listed.lines[1:]] == [list(pair) for pair in zip(payloads, jobs, strict=True)]
    assert "3 payloads, " in listed.err and "would be removed" in listed.err
    assert len(clara("list", "payloads", "-q").lines) == 5
    assert clara("clean", "--older-than", "1h").out == ""
    assert len(clara("clean", "--older-than", "0s", "-y").lines) == 4
    assert set(clara("list", "payloads", "-q").lines) == {reusable, job_payload(clara, waiting)}
    assert {path.name for path in choose_root(load_config()).payloads.iterdir()} == {
        reusable,
        job_payload(clara, waiting),
    }
    shown = clara("describe", "job", jobs[0])
    assert "its payload was removed by clara clean" in shown.out
    assert "STATE: JOB_STATE_STOPPED" in shown.lines
    # When a job ends, the configured limit is applied to those that ended before.
    project.configure("clean: {max_size: 0}")
    clara("start", "job", "-j", waiting)
    # Nobody can have downloaded the results of a job that has just ended.
    assert clara("list", "payloads", "-q").lines == [job_payload(clara, waiting), reusable]
    with sqlite3.connect(choose_root(load_config()).database) as connection:
        connection.execute("UPDATE jobs SET stopped = stopped - 3601")
    connection.close()
    last = clara.job(pipeline, data)
    clara("start", "job", "-j", last)
    assert clara("list", "payloads", "-q").lines == [job_payload(clara, last), reusable]
    project.configure("clean: {max_size: 0, age: 7d}")
    assert "clean: age is no limit: expected older_than, failed_older_than, max_size" in clara("clean", code=1).err
    project.configure("clean: {older_than: soon}")
    assert 'clean: "soon" is no age' in clara("list", "jobs", code=1).err


def test_folders_whose_names_are_no_text(clara: Clara, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/def\xff"))
    project = Project(folder)
    folder.mkdir()
    project.operator("copy", COPY)
    definition = project.definition(
        "- {name: copy, container: {image: copy, tag: latest}, input: [{path: /input}], output: [{path: /output}]}",
        version="0.4.0",
    )
    name = os.fsdecode(b"\xfe\n-x")
    (folder / name).write_text("x")
    job, _ = clara.run(definition, folder / name)
    clara("download", f"{job}:/operators/copy/*", tmp_path / "out")
    assert os.listdir(bytes(tmp_path / "out")) == [b"\xfe\n-x"]
    assert clara("describe", "payload", "-p", job).lines[-1].endswith("/operators/copy/\\xfe\\n-x")
    assert clara("create", "image", "-n", "i", "-p", folder / "copy").code == 0


def test_no_clobber_and_links(clara: Clara, data: Path, tmp_path: Path) -> None:
    payload = payload_of(clara, "-f", data)
    folder = choose_root(load_config()).payloads / payload
    (folder / "out").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    got = clara("download", f"{payload}:/*", tmp_path / "result")
    assert got.lines == ["Downloading...", "Downloaded 2 files."]
    assert "Warning: out is left out: it is a link that leads out of the payload" in got.err
    assert "Warning: pipe is left out: it is a FIFO" in got.err
    (tmp_path / "result" / "a").write_text("mine")
    said = clara("download", f"{payload}:/*", tmp_path / "result", "--no-clobber", code=1).err
    assert "there already, so nothing was downloaded:" in said and "/result/sub/b" in said
    assert (tmp_path / "result" / "a").read_text() == "mine"
    clara("download", f"{payload}:/*", tmp_path / "result")
    assert (tmp_path / "result" / "a").read_text() == "a"


def test_a_bar_only_on_a_terminal_and_only_when_it_takes_long(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    code, quick = on_terminal("create", "payload", "-f", str(data))
    assert code == 0 and "Uploading" not in quick
    # Slow enough for a bar: many files behind a library that waits.
    slow = tmp_path / "site" / "sitecustomize.py"
    slow.parent.mkdir()
    slow.write_text(
        "import os, time\noriginal = os.copy_file_range\n"
        "def waits(*more):\n    time.sleep(0.7)\n    return original(*more)\nos.copy_file_range = waits\n"
        "import clara_cli.filecopy as f\nf.share_blocks = lambda *_: False\n"
    )
    for count in range(3):
        (data / f"more-{count}").write_text("x" * 1000)
    monkeypatch.setenv("PYTHONPATH", str(slow.parent))
    code, shown = on_terminal("create", "payload", "-f", str(data))
    assert code == 0 and "Uploading" in shown and "/s" in shown and "PAYLOAD_ID" in shown
    done = subprocess.run([installed_command(), "create", "payload", "-f", data], capture_output=True, check=True)
    assert b"Uploading" not in done.stderr + done.stdout


def test_deleting_asks_on_a_terminal(data: Path, clara: Clara) -> None:
    payload = payload_of(clara, "-f", data)
    code, shown = on_terminal("delete", "payload", payload, interrupt_when=lambda text: "[y/N]" in text)
    assert code == 130 and "Delete 1 payload(s) and all files in them?" in shown
    assert clara("list", "payloads", "-q").lines == [payload]
    code, shown = on_terminal("delete", "payload", payload, answer=(b"[y/N]", b"n\n"))
    assert code == 1 and "Nothing was deleted." in shown
    assert clara("list", "payloads", "-q").lines == [payload]
    code, _ = on_terminal("delete", "payload", payload, "-y")
    assert code == 0 and clara("list", "payloads", "-q").out == ""
