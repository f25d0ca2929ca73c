"""Definitions like those that were published run from end to end, with small programs in place of their images."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import EXAMPLE, REPOSITORY, Clara, Project

from clara_cli.pipelines.load import load_pipeline
from clara_cli.pipelines.model import Input, Operator, Pipeline

DEFINITIONS = REPOSITORY / "tests" / "definitions"

# Reads all that it is given, asks its server, and writes one file into each output folder; variables are filled.
STAND_IN = """
import json, os, sys, urllib.request
from pathlib import Path
from clara import Driver

def execute(driver, payload):
    report = {"read": [sorted(f.name for f in Path(e.path).rglob("*") if f.is_file()) for e in payload.input_entries]}
    report["arrays"] = [[e.name, e.shape, float(e.array.sum())] for e in payload.fastio_input_entries]
    report["served"] = [
        json.load(urllib.request.urlopen("http://" + os.environ[name], timeout=20))
        for name in ("NVIDIA_CLARA_TRTISURI", "TRTIS_URI", "NVIDIA_TRITON_HTTPURI") if name in os.environ
    ]
    for entry in payload.fastio_output_entries:
        if entry.is_dynamic:
            entry.update_shape([size if size > 0 else 2 for size in entry.shape])
        entry.array[...] = 3
    for entry in payload.output_entries:
        Path(entry.path, driver.stage_name + "-" + entry.name).write_text(json.dumps(report))
    print("REPORT", json.dumps(report))

driver = Driver(execute_handler=execute)
driver.start()
driver.wait_for_completion()
"""
# The same, and an array goes from stage to stage by hand: made, changed in place and published again, read.
BY_HAND = STAND_IN.replace(
    '    report["arrays"]',
    """    stage, context = sys.argv[1], payload.fastio_context
    if stage == "read_volume":
        allocation = context.create(24)
        allocation.set_type_and_dimensions("int32", [2, 3])
        with allocation as array:
            array[...] = 3
        allocation.publish("volume")
    elif stage == "filter_volume":
        allocation = context.get("volume")
        with allocation as array:
            array += 1
        allocation.publish("filtered")
    else:
        with context.get("filtered").mapped("read") as array:
            assert array.tolist() == [[4, 4, 4], [4, 4, 4]]
            print("PASSED")
    report["arrays"]""",
)
SERVER = """#!/usr/bin/env python
import http.server, json, os, sys

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        folder = os.environ.get("NVIDIA_CLARA_SERVICE_DATA_PATH")
        self.send_response(200)
        self.end_headers()
        models = sorted(os.listdir(folder + "/models")) if folder else None
        self.wfile.write(json.dumps({"models": models, "arguments": sys.argv[1:]}).encode())

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("NVIDIA_CLARA_SERVICE_PORT", "0"))), Answer)
print(server.server_port, flush=True)
server.serve_forever()
"""
SCRIPT = '#!/bin/bash\nexec python "$(dirname "$0")/main.py" "$@"\n'

Image = tuple[str, dict[str, str]]
APPLICATION: Image = ('WORKDIR /app\nCOPY . /app\nENTRYPOINT ["python", "-u", "main.py"]\n', {"main.py": STAND_IN})
INFERENCE_SERVER: Image = (
    'COPY trtserver tritonserver /usr/local/bin/\nCMD ["tritonserver"]\n',
    {"trtserver": SERVER, "tritonserver": SERVER},
)
BASE_ONLY: Image = ("", {})
# last part of an image's name → its Dockerfile after FROM, and its files; all others are an APPLICATION
IMAGES: dict[str, Image] = {
    "register-results": ("WORKDIR /app\nCOPY . /app\n", {"register.py": STAND_IN}),
    "operator-py": ('WORKDIR /app\nCOPY . /app\nCMD ["python", "main.py"]\n', {"main.py": STAND_IN}),
    "dp-sample": ("WORKDIR /app\nCOPY . /app\n", {"main.py": STAND_IN}),
    "app-fastio-itk": ("COPY . /app\n", {"main.py": BY_HAND}),
    "assembly": (
        "COPY . /\n",
        {"main.py": STAND_IN, "run_mapper.sh": SCRIPT, "run_miniasm.sh": SCRIPT, "run_racon.sh": SCRIPT},
    ),
    "whalesay": ("COPY cowsay /usr/local/bin/\n", {"cowsay": "#!/bin/sh\necho moo: $*\n"}),
    "ubuntu": BASE_ONLY,
    "centos": BASE_ONLY,
    "tensorrtserver": INFERENCE_SERVER,
    "tritonserver": INFERENCE_SERVER,
}
# Operators whose program is that of the definition itself (`sh`, `cowsay`) → what their logs say.
OTHER_PROGRAMS = {"whalesay": ["moo: hello"], "i-am-first": [], "last-i-am": []}
FILES = ("scan.dcm", "slide.svs", "reads.fastq")

RUNS = sorted([*DEFINITIONS.glob("*.yaml"), *(path for path in DEFINITIONS.iterdir() if path.is_dir())])
RUNS.append(EXAMPLE / "fastio-passthrough-dynamic-pipeline.yaml")
# definition → why it cannot run; none at present. Definitions of which only the name is known have no file here.
CANNOT_RUN: dict[str, str] = {}


def register(clara: Clara, project: Project, pipeline: Pipeline) -> None:
    """A local program for each image that the pipeline names."""
    services = [service for operator in pipeline.operators for service in operator.services]
    for reference in sorted({(item.image, item.tag) for item in (*pipeline.operators, *services)}):
        folder = project.folder / "images" / "-".join(reference).replace("/", "-")
        folder.mkdir(parents=True)
        text, files = IMAGES.get(reference[0].rpartition("/")[2], APPLICATION)
        (folder / "Dockerfile").write_text(f"FROM {':'.join(reference)}\n{text}")
        for name, content in files.items():
            (folder / name).write_text(content)
            (folder / name).chmod(0o755)
        clara("create", "images", "-n", ":".join(reference), "-p", folder)


@contextmanager
def triton(project: Project, wanted: bool) -> Iterator[None]:
    """A server that runs already, for operators that list models and bring no service."""
    if not wanted:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        project.configure(f"triton: {{http: '127.0.0.1:{port}', grpc: '127.0.0.1:{port}'}}\n")
        try:
            yield
        finally:
            server.kill()


def written(operator: Operator, output: str) -> list[str]:
    """Files of an operator's output: the unnamed one is its whole folder."""
    if operator.name in OTHER_PROGRAMS:
        return sorted(FILES)
    outputs = [item for item in operator.outputs if item.path and output in ("", item.name)]
    return sorted(f"{operator.name}-{item.name}" for item in outputs)


def expected_reads(pipeline: Pipeline, item: Input) -> list[str]:
    return sorted(FILES) if item.source is None else written(pipeline.operator(item.source), item.name)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_it_runs(clara: Clara, project: Project, world: Path, path: Path) -> None:
    if path.name in CANNOT_RUN:
        pytest.skip(CANNOT_RUN[path.name])
    pipeline = load_pipeline(path).pipeline
    register(clara, project, pipeline)
    payload = project.folder / "payload"
    payload.mkdir()
    for name in FILES:
        (payload / name).write_text("original")
    (world / "root" / "common" / "models" / "a-model").mkdir(parents=True)
    with triton(project, any(o.models and not o.services for o in pipeline.operators)):
        job, _ = clara.run(path, payload)
    assert "JOB_STATUS_HEALTHY" in clara("describe", "job", "-j", job).out
    for operator in pipeline.operators:
        check(clara, pipeline, operator, clara("logs", "-j", job, "-o", operator.name).lines)
        for output in operator.outputs:
            if output.path:
                target = world / "got" / operator.name / output.name
                clara("download", f"{job}:/operators/{operator.name}/{output.name}/*", f"{target}/")
                assert sorted(item.name for item in target.rglob("*") if item.is_file()) == written(
                    operator, output.name
                )


def check(clara: Clara, pipeline: Pipeline, operator: Operator, log: list[str]) -> None:
    """What an operator was given is what the definition promises it."""
    if operator.name in OTHER_PROGRAMS:
        assert log == OTHER_PROGRAMS[operator.name]
        return
    (report,) = (json.loads(line.removeprefix("REPORT ")) for line in log if line.startswith("REPORT "))
    assert report["read"] == [expected_reads(pipeline, item) for item in operator.inputs if item.path]
    assert [item[0] for item in report["arrays"]] == [item.name for item in operator.inputs if item.fastio]
    for _, shape, total in report["arrays"]:
        elements = 1
        for size in shape:
            elements *= size
        assert total == 3 * elements > 0
    check_served(operator, report["served"])
    assert ("PASSED" in log) == (operator.name == "write-volume")


def check_served(operator: Operator, served: list[Any]) -> None:
    if operator.services:
        (service,) = operator.services
        assert served, "the operator was not told of its service"
        assert all(answer["models"] == ["a-model"] for answer in served)
        # The first word is the program; the rest has real folders in it.
        words = [len(answer["arguments"]) for answer in served]
        assert words == [max(0, len(service.command) - 1)] * len(served)
    else:
        assert bool(served) == bool(operator.models)


def test_the_table_names_files_that_exist() -> None:
    assert set(CANNOT_RUN) <= {path.name for path in RUNS}
    assert len(RUNS) >= 30
