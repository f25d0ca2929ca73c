"""The REST API: a whole session, everything that its description promises, and what is no API at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from console_support import ECHO, Console, console_in

API = "/api/v1"


def test_a_session_over_the_api(console: Console) -> None:
    program = console.folder / "program"
    program.mkdir()
    (program / "main.py").write_text("import os\nprint('hello')\n")
    for image in ("reader", "writer"):
        console.clara("create", "image", "-n", image, "-p", program)
    with httpx.Client(base_url=f"{console.address}{API}", timeout=60) as client:
        files = [{"path": "p.yaml", "content": ECHO.format(name="over-rest")}]
        pipeline = client.post("/pipelines", json={"files": files})
        assert pipeline.status_code == 201 and pipeline.json()["name"] == "over-rest"
        identity = pipeline.json()["pipeline_id"]
        operators = client.get(f"/pipelines/{identity}").json()["operators"]
        assert [item["name"] for item in operators] == ["reader", "writer"]
        made = client.post("/jobs", json={"pipeline_id": identity, "name": "by rest", "priority": "HIGHER"}).json()
        assert (made["state"], made["status"], made["priority"]) == ("PENDING", "HEALTHY", "HIGHER")
        assert made["pipeline_name"] == client.get(f"/jobs/{made['job_id']}").json()["pipeline_name"] == "over-rest"
        payload, job = made["payload_id"], made["job_id"]
        assert client.put(f"/payloads/{payload}/files/deep/é%23.bin", content=b"\x00\x01").status_code == 204
        assert client.get(f"/payloads/{payload}/files").json() == [
            {"name": "input/deep/é#.bin", "size": 2, "fault": None}
        ]
        assert client.get(f"/payloads/{payload}/files/input/deep/é%23.bin").content == b"\x00\x01"
        assert client.post(f"/jobs/{job}/start").status_code == 202
        assert client.post(f"/jobs/{job}/start").status_code == 409
        console.ended(job)
        ended = client.get(f"/jobs/{job[:12]}").json()
        assert (ended["state"], ended["status"]) == ("STOPPED", "HEALTHY")
        assert [item["status"] for item in ended["operators"]] == ["COMPLETED", "COMPLETED"]
        log = client.get(f"/jobs/{job}/logs/reader")
        assert log.text == "hello\n" and log.headers["x-clara-end"] == log.headers["x-clara-size"] == "6"
        assert client.put(f"/payloads/{payload}/files/late.txt", content=b"x").status_code == 409
        assert client.post(f"/jobs/{job}/cancel", json={"reason": "late"}).status_code == 409
        assert client.post(f"/jobs/{job}/again").status_code == 409
        again = client.post(f"/jobs/{job}/again", json={"from": "writer"})
        assert again.status_code == 201 and console.ended(again.json()["job_id"]).succeeded
        listed = client.get("/jobs", params={"q": "by rest", "state": "STOPPED", "count": 1}).json()
        assert listed["total"] == 2 and len(listed["jobs"]) == 1
        assert client.delete(f"/jobs/{job}").status_code == 204
        missing = client.get(f"/jobs/{job}")
        assert missing.status_code == 404 and missing.json()["error"].startswith("no job with id")
        wrong = client.post("/pipelines", json={"files": [{"path": "p.yaml", "content": "operators: 3"}]})
        assert wrong.status_code == 422 and "p.yaml:1" in wrong.json()["error"]


def test_metrics_are_prometheus_text(console: Console) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    job = console.job(console.pipeline("counted"), "counted")
    families = {family.name: family for family in text_string_to_metric_families(console.get("/metrics").text)}
    pending = [
        sample.value
        for sample in families["clara_jobs"].samples
        if sample.labels == {"state": "pending", "status": "healthy"}
    ]
    assert pending and pending[0] >= 1
    assert families["process_resident_memory_bytes"].samples[0].value > 1 << 20
    console.clara("delete", "job", "-y", "-j", job)


def test_what_is_no_part_of_the_api(console: Console) -> None:
    for path in ("/api/v1/nothing", "/api/v2/jobs", "/api"):
        answer = console.get(path)
        assert answer.status_code == 404 and answer.headers["content-type"] == "application/json"
        assert answer.json()["error"]


def test_health_tells_of_a_database_that_cannot_be_used(tmp_path: Path) -> None:
    root = tmp_path / "ill" / "root"
    root.mkdir(parents=True)
    (root / "clara.db").write_bytes(b"this is no database" * 1000)
    with console_in(tmp_path / "ill") as console:
        answer = console.get("/health")
        assert answer.status_code == 503 and "cannot use the database" in answer.json()["error"]
        page = console.get("/jobs")
        assert page.status_code == 503 and "cannot use the database" in page.text
        (root / "clara.db").unlink()
        assert console.get("/health").json()["status"] == "ok"


def test_everything_that_the_description_promises(console: Console, tmp_path: Path) -> None:
    """Schemathesis makes requests of the description, right and wrong ones, and holds the answers against it."""
    description = console.get("/api/openapi.json").json()
    assert {path for path in description["paths"] if path.startswith(API)} >= {f"{API}/jobs", f"{API}/pipelines"}
    job = console.job(console.pipeline("fuzzed"), "fuzzed")
    # Requests that begin with a real id are worth more.
    for path in description["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                known = {"job_id": job, "payload_id": job, "pipeline_id": console.record(job).pipeline_id}
                if parameter["name"] in known:
                    parameter["examples"] = {"known": {"value": known[parameter["name"]]}}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(description))
    command = [
        *(Path(sys.executable).parent / "schemathesis", "run", file, "--url", console.address),
        *("--max-examples", "25", "--phases", "examples,coverage,fuzzing", "--no-color", "--workers", "2"),
        *("--exclude-checks", "ignored_auth,positive_data_acceptance", "--request-timeout", "20", "--seed", "1"),
    ]
    done = subprocess.run(
        [str(word) for word in command],
        cwd=tmp_path,
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.parametrize("path", ["/jobs/{}/start", "/jobs/{}/cancel", "/jobs/{}/again"])
def test_a_body_is_checked(console: Console, path: str) -> None:
    job = console.job(console.pipeline("checked"), "checked")
    answer = httpx.post(f"{console.address}{API}{path.format(job)}", json={"unknown": 1})
    assert answer.status_code == 422 and "unknown" in answer.json()["error"]


def test_a_body_that_is_no_json_is_malformed(console: Console) -> None:
    kind = {"Content-Type": "application/json"}
    broken = httpx.post(f"{console.address}{API}/jobs", content=b"{bad", headers=kind)
    assert broken.status_code == 400 and broken.json()["error"].startswith("the body is no JSON, from character 1 on")
    untyped = httpx.post(f"{console.address}{API}/jobs", content=b'{"name": "a"}')
    assert untyped.status_code == 422 and "Content-Type: application/json" in untyped.json()["hint"]
    missing = httpx.post(f"{console.address}{API}/jobs")
    assert missing.status_code == 422 and missing.json()["error"] == "body: Field required"
