"""`--output json|yaml` is a contract: keys, their order, their kinds of values."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import REPOSITORY, Clara, Project

from clara_cli.runtime.mounts import find_mounts

TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PAGE = REPOSITORY / "docs" / "output.md"


MEASURED = {"cpu_seconds": "MEASURED", "peak_memory": "MEASURED"}


def golden(value: Any) -> Any:
    """A value with what differs from run to run replaced by what it is."""
    if isinstance(value, dict):
        measured = {key: "MEASURED" for key in ("cpu_seconds", "peak_memory") if key in value}
        return {key: golden(item) for key, item in value.items()} | measured
    if isinstance(value, list):
        return [golden(item) for item in value]
    if isinstance(value, str):
        if TIME.fullmatch(value):
            return "TIME"
        if re.fullmatch(r"[0-9a-f]{32}", value):
            return "ID"
        return re.sub(r"[0-9a-f]{32}", "ID", value)
    return value


@pytest.fixture
def job(clara: Clara, project: Project) -> str:
    project.operator("good", "print('ran')")
    project.operator("bad", "import sys; sys.exit(3)")
    operators = "- name: good\n  container: {image: good, tag: '1'}\n  output: [{path: /out}]\n"
    operators += "- name: bad\n  container: {image: bad, tag: '2'}\n  input:\n  - from: good\n    path: /input\n"
    return clara.run(project.definition(operators, "0.4.0", "two"), code=1)[0]


MOUNTED = bool(find_mounts().command)
LISTED_JOB = {
    **{"job_id": "ID", "payload_id": "ID", "pipeline_id": "ID", "name": "job"},
    **{"state": "JOB_STATE_STOPPED", "status": "JOB_STATUS_FAULTED", "priority": "JOB_PRIORITY_NORMAL"},
    **{"created": "TIME", "started": "TIME", "stopped": "TIME"},
}


def test_lists_as_json(clara: Clara, project: Project, job: str) -> None:
    clara("create", "image", "-n", "good:1", "-p", project.folder / "good")
    assert golden(json.loads(clara("list", "jobs", "--output", "json").out)) == [LISTED_JOB]
    assert golden(json.loads(clara("list", "pipelines", "-o", "json").out)) == [
        {"pipeline_id": "ID", "name": "two", "created": "TIME"}
    ]
    assert json.loads(clara("list", "images", "-o=JSON").out) == [
        {"name": "good", "tag": "1", "folder": str(project.folder / "good"), "python": None, "driver": False}
    ]
    assert json.loads(clara("list", "jobs", "-q", "-o", "json").out) == [job]


def test_descriptions_as_json(clara: Clara, project: Project, job: str, world: Path) -> None:
    described = golden(json.loads(clara("describe", "job", job, "-o", "json").out))
    messages = described.pop("messages")
    assert {tuple(message) for message in messages} == {("created", "severity", "text")}
    assert [message["severity"] for message in messages if "exit" in message["text"]] == ["error"]
    assert described == {
        **LISTED_JOB,
        "engine": "local",
        "slurm": None,
        "payload_folder": str(world / "root" / "payloads" / "ID"),
        "metadata": {},
        "variables": {},
        "operator_details": [
            {
                **{"name": "good", "image": "good:1", "status": "JOB_OPERATOR_STATUS_COMPLETED"},
                **{"started": "TIME", "stopped": "TIME", "exit_code": 0, "mounted": MOUNTED, **MEASURED},
            },
            {
                **{"name": "bad", "image": "bad:2", "status": "JOB_OPERATOR_STATUS_FAULTED"},
                **{"started": "TIME", "stopped": "TIME", "exit_code": 3, "mounted": MOUNTED, **MEASURED},
            },
        ],
    }
    verbose = json.loads(clara("describe", "job", job, "-o", "json", "--verbose").out)
    process = verbose["operator_details"][0]["process"]
    assert list(process) == ["command", "folder", "environment", "mounts", "without"]
    assert process["environment"]["NVIDIA_CLARA_JOBID"] == job and isinstance(process["command"], list)
    pipeline = clara("list", "pipelines", "-q").out.strip()
    assert golden(json.loads(clara("describe", "pipeline", "-p", pipeline, "-o", "json").out)) == {
        **{"pipeline_id": "ID", "name": "two", "created": "TIME", "api_version": "0.4.0", "orchestrator": "Clara"},
        "operators": [
            {"name": "good", "image": "good", "tag": "1", "reads_from": []},
            {"name": "bad", "image": "bad", "tag": "2", "reads_from": ["good"]},
        ],
        "parameters": {},
    }
    clara("create", "image", "-n", "good:1", "-p", project.folder / "good")
    image = json.loads(clara("describe", "image", "good", "-o", "json").out)
    assert list(image) == ["name", "tag", "folder", "python", "driver", "workdir", "command"]
    assert image["python"] == sys.executable and image["command"][-1] == "main.py"


def test_payloads_and_models_as_json(clara: Clara, job: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc")
    (tmp_path / "a.txt").chmod(0o640)
    payload = clara("create", "payload", "-f", tmp_path / "a.txt", "--metadata", "site=A").lines[0].split()[1]
    listed = {"payload_id": "ID", "type": "PAYLOAD_TYPE_REUSABLE", "job_id": None, "created": "TIME"}
    described = json.loads(clara("describe", "payload", payload, "-o", "json").out)
    assert described.pop("payload_folder").endswith(payload)
    files = [{"name": "a.txt", "size": 3, "mode": 0o640}]
    assert golden(described) == {**listed, "metadata": {"site": "A"}, "files": files}
    found = json.loads(clara("list", "payloads", "-o", "json").out)
    assert golden(found) == [
        {**listed, "metadata": {"site": "A"}},
        {**listed, "type": "PAYLOAD_TYPE_PIPELINE", "job_id": "ID", "metadata": {}},
    ]
    (tmp_path / "net" / "1").mkdir(parents=True)
    (tmp_path / "net" / "1" / "model.pt").write_text("")
    (tmp_path / "net" / "config.pbtxt").write_text('name: "net"\nplatform: "pytorch_libtorch"\n')
    clara("create", "model", "-p", tmp_path / "net", "-t", "pytorch")
    assert golden(json.loads(clara("list", "models", "-o", "json").out)) == [
        {"model_id": "ID", "name": "net", "type": "MODEL_TYPE_PY_TORCH", "versions": [1], "created": "TIME"}
    ]
    assert clara("describe", "payload", "-q", payload[:9]).lines == [payload]


def test_yaml_holds_the_same_and_ids_stay_texts(clara: Clara, job: str) -> None:
    from clara_cli.commands.showing import serialise

    for words in (("list", "jobs"), ("describe", "job", job), ("list", "pipelines"), ("list", "images")):
        assert yaml.safe_load(clara(*words, "-o", "yaml").out) == json.loads(clara(*words, "-o", "json").out)
    # YAML 1.2 reads these as numbers when they are not quoted.
    for text in ("12345678901234567890123456789012", "12e34567890123456789012345678901", "1.5e3", "null"):
        assert serialise("yaml", [text]) == f"- '{text}'"


def test_keys_have_the_order_that_is_documented(clara: Clara, job: str) -> None:
    page = PAGE.read_text()
    for kind in ("pipeline", "job", "payload"):
        (row,) = re.findall(rf"^\| `list {kind}s` \| (.*) \|$", page, re.MULTILINE)
        (listed,) = json.loads(clara("list", f"{kind}s", "-o", "json").out)
        assert re.findall(r"`(\w+)`", row) == list(listed)
    described = json.loads(clara("describe", "job", job, "-o", "json").out)
    for key in described:
        assert f"`{key}`" in page, key


def test_the_pages_example_runs(clara: Clara, job: str, shell: Any) -> None:
    (example,) = re.findall(r"^```\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    done = shell(example)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_nothing_and_hostile_names(clara: Clara, project: Project) -> None:
    assert clara("list", "jobs", "-o", "json").out == "[]\n"
    assert clara("list", "jobs", "-q", "-o", "yaml").out == "[]\n"
    pipeline = clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0"))
    name = '"quoted"\n- line: [x]\t\x1b[31mred\u2028ü'
    clara("create", "job", "-n", name, "-p", pipeline)
    for output, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        (job,) = read(clara("list", "jobs", "-o", output).out)
        assert job["name"] == name


def test_quiet_descriptions_turn_a_prefix_into_the_id(clara: Clara, job: str) -> None:
    assert clara("describe", "job", "-q", job[:8]).lines == [job]


def test_an_unknown_format_is_a_usage_error(clara: Clara) -> None:
    answer = clara("list", "jobs", "-o", "xml", code=2)
    assert answer.out == "" and '"xml" is no output format: expected table, json or yaml' in answer.err


def test_json_needs_no_yaml() -> None:
    program = (
        "import sys\nfrom clara_cli.cli import cli\n"
        "try:\n    cli(['list', 'jobs', '-o', 'json'])\nexcept SystemExit:\n    pass\n"
        "sys.exit('yaml' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_what_operators_took_is_told(clara: Clara, project: Project) -> None:
    project.operator(
        "busy", "import time\nblock = bytearray(64 << 20)\nend = time.time() + 0.6\nwhile time.time() < end: pass"
    )
    job, _ = clara.run(project.definition("- {name: busy, container: {image: busy}}\n"))
    (operator,) = json.loads(clara("describe", "job", job, "-o", "json").out)["operator_details"]
    assert 0.2 < operator["cpu_seconds"] < 60
    assert operator["peak_memory"] > 64 << 20
