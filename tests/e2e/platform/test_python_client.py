"""NVIDIA's own client, unchanged and in an environment of its own, against a real server."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from platform_support import CLIENTS, Server
from support import wait_until

DEFINITION = """\
api-version: 0.4.0
orchestrator: Clara
name: copy-test-pipeline
parameters:
  word: none
operators:
- name: copy
  container: {image: copy, command: [python3, main.py, "${{ word }}"]}
  input: [{path: /input}]
  output: [{path: /output}]
"""
PROGRAM = """\
import os, shutil, sys
source, target = os.environ["NVIDIA_CLARA_INPUTPATHS"], os.environ["NVIDIA_CLARA_OUTPUTPATHS"]
source, target = (paths.split(":", 1)[1] for paths in (source, target))
shutil.copytree(source, target, dirs_exist_ok=True)
open(os.path.join(target, "nothing"), "w").close()
print("the word is", sys.argv[1])
print("done", end="")
"""
HEX = re.compile("[0-9a-f]{32}")


@pytest.fixture(scope="module")
def said(server: Server, real_client: Path) -> Iterator[dict[str, Any]]:
    """What every method returned; `began` and `ended` are the times around it."""
    server.program("copy", PROGRAM)
    definition = server.folder / "copy-pipeline.yaml"
    definition.write_text(DEFINITION)
    began = time.time()
    command = [real_client, CLIENTS / "every_method.py", str(server.port), definition]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{server.log()}"
    yield {"began": began, "ended": time.time(), **json.loads(done.stdout)}


EXPECTED: list[tuple[str, object]] = [
    ("create_pipeline with an id", "ab" * 16),
    ("update_pipeline", "renamed-pipeline"),
    ("pipelines add_metadata", {"Owner": "radiology", "a": "1", "b": "2"}),
    ("pipelines remove_metadata", {"Owner": "radiology", "b": "2"}),
    ("payloads add_metadata", {"series": "7", "more": "x"}),
    ("payloads remove_metadata", {"series": "7"}),
    # One file without a name stands for an empty payload: with none the client would return nothing at all.
    ("get_details of nothing", [["", 0]]),
    ("get_details of a reusable payload", [["/shared/atlas.bin", 5]]),
    ("upload", ["./input/image.mhd", 153600]),
    ("upload by path", 7),
    ("upload of nothing", ["", 0]),
    ("get_details", [["/input/Path.txt", 7], ["/input/input/image.mhd", 153600], ["/input/shared/atlas.bin", 5]]),
    ("list_jobs before the start", [["first job", 1]]),
    ("start_job", [1, 3]),
    ("get_status result", [3, 1, 3, {"Source": "test"}]),
    ("get_status operators", {"copy": 3}),
    ("job_logs", ["the word is given", "done"]),
    ("job_logs of none", []),
    ("jobs add_metadata", {"Source": "test", "result": "good"}),
    ("jobs remove_metadata", {"Source": "test"}),
    ("download_from", ["./operators/copy/input/image.mhd", 153600, True]),
    ("download_from in other case", "by path"),
    ("download_from an empty file", ["/operators/copy/nothing", 0]),
    ("cancel_job", [True, 3, 3]),
    ("cancel_job that has ended", [3, 1]),
    ("cancel_job reason", ["cancelled: not needed"]),
    ("list_jobs", ["first job", "second job"]),
    ("stream_jobs", ["first job", "second job"]),
    ("list_jobs that went well", ["first job"]),
    ("list_jobs that run", []),
    ("list_jobs of a pipeline", 2),
    ("list_jobs of a removed pipeline", 0),
    ("list_jobs created after", 2),
    ("list_jobs completed before", 0),
    ("download_from to a path", "by path"),
    ("upload_request_iterator", [3, "made by hand", 0o755, 153600]),
    (
        "create_job with two payloads",
        [["/input/label.txt", 5], ["/input/made by hand", 153600], ["/input/shared/atlas.bin", 5]],
    ),
    ("reconnect", 1),
    ("version", [0, 8, 1, ""]),
    ("list_utilization", [0]),
    ("stream_utilization", 0),
    ("list_models", None),
    ("stop", True),
]


@pytest.mark.parametrize(("method", "value"), EXPECTED, ids=[method for method, _ in EXPECTED])
def test_a_method_returns(said: dict[str, Any], method: str, value: object) -> None:
    assert said[method] == value


REFUSED = [
    ("create_pipeline with an id again", "there is a pipeline abababab.* already"),
    ("create_pipeline of nonsense", 'no pipeline in the definition: none of its 1 YAML files has "operators"'),
    ("pipeline_details of none", "(?s)no pipeline with id.*"),
    ("payloads add_metadata twice", 'there is metadata "MORE" already; nothing was changed'),
    ("create_job of no pipeline", '(?s)no pipeline with id "0{32}".*'),
    ("create_job without a name", ".*name.*"),
    ("create_job with a payload twice", "two inputs have a file /input/label.txt; the second is of payload .*"),
    ("a closed client", "Connection is currently closed.*"),
    ("create_job with no such payload", '(?s)no payload with id "0{32}".*'),
    ("payloads metadata of a job", "payload .* belongs to a job: only reusable ones have metadata"),
    ("start_job again", "(?s)job .* was started before: it is JOB_STATE_STOPPED, JOB_STATUS_HEALTHY.*"),
    ("get_status of none", "(?s)no job with id.*"),
    ("upload after the start", "(?s)payload .* is read-only: its job .* was started.*"),
    ("remove_from after the start", "(?s)payload .* is read-only: its job .* was started.*"),
    ("download_from outside", '"../../clara.db" leaves the payload: ".." is not allowed in it'),
    ("download_from of nothing", "the payload has no file /input/missing"),
    ("delete_payload of a job that waits", "(?s)payload .* belongs to job .*, which has not ended.*"),
    ("delete_payload twice", "(?s)no payload with id.*"),
    ("delete_catalog twice", "no catalog with id.*"),
    ("models add_metadata", "(?s)no model with id.*"),
    ("models remove_metadata", "(?s)no model with id.*"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[call for call, _ in REFUSED])
def test_a_call_is_refused_with_a_message(said: dict[str, Any], call: str, message: str) -> None:
    assert said[call] is not None, "it was not refused"
    assert re.fullmatch(message, said[call]), said[call]


def test_ids_and_times(said: dict[str, Any]) -> None:
    job, payload, state, status = said["create_job"]
    for identity in (job, payload, said["create_pipeline"], said["create_catalog"], said["create_instance"]):
        assert HEX.fullmatch(identity)
    assert job != payload and (state, status) == (1, 1)
    assert said["get_status"] == [job, said["create_pipeline"], payload, "first job"]
    assert said["get_details with dashes"] == payload
    assert said["create_payload"][1] == 2
    created, started, stopped = said["get_status times"]
    assert said["began"] - 1 <= created <= started <= stopped <= said["ended"]


def test_times_are_read_in_both_forms(said: dict[str, Any]) -> None:
    assert said["get_timestamp"] == said["get_timestamp of a text"] == said["get_timestamp expected"]


def test_pipelines_as_the_client_shows_them(said: dict[str, Any]) -> None:
    listed = said["list_pipelines"]
    assert listed == {
        said["create_pipeline"]: ["copy-test-pipeline", {"Owner": "radiology"}],
        "ab" * 16: ["copy-test-pipeline", {}],
    }
    assert said["remove_pipeline"] == [said["create_pipeline"]]
    assert said["pipeline_details"] == ["copy-test-pipeline", [["copy-test-pipeline", DEFINITION]]]


def test_the_orchestrators_log_tells_what_happened_in_order(said: dict[str, Any]) -> None:
    lines = said["job_logs of the orchestrator"]
    told = [line.split("Z ", 1)[1] for line in lines]
    assert told == [
        "job created",
        "start accepted",
        "job running",
        "operator copy started",
        "operator copy stopped: JOB_OPERATOR_STATUS_COMPLETED, exit code 0",
        "job stopped: JOB_STATUS_HEALTHY",
    ]


def test_stop_ends_the_server_and_the_command_line_goes_on(said: dict[str, Any], server: Server) -> None:
    wait_until(lambda: server.clara("platform", "status", code=3).stdout == "STATE: stopped\n", "the server's end")
    listed = server.clara("list", "jobs", "-q").stdout.split()
    assert said["create_job"][0] in listed
    server.start()
