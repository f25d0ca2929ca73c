"""What the console refuses: other names, other sites' pages, strangers, ways out of a payload, too much."""

from __future__ import annotations

import http.client
import os
import zipfile
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from console_support import Console, console_in
from support import wait_until

TOKEN = "a-token-of-some-length"
PLACES = ["/pipelines", "/jobs", "/api/v1/jobs", "/metrics", "/health", "/static/style.css", "/events?topic=jobs"]


@pytest.fixture(scope="module")
def job(console: Console, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("in")
    (folder / "a.txt").write_bytes(b"0123456789")
    job = console.job(console.pipeline("guarded"), "guarded", folder, start=True)
    console.ended(job)
    return job


def raw(console: Console, path: str, host: str = "localhost", method: str = "GET") -> tuple[int, bytes]:
    """Ask for a path exactly as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:32002", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_a_name_that_is_rebound_gets_nothing(console: Console, place: str, host: str) -> None:
    status, body = raw(console, place, host)
    assert status in (400, 421) and b"clara_jobs" not in body and b"<html" not in body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.2:32002", "[::1]:32002"])
def test_the_machines_own_names_are_known(console: Console, host: str) -> None:
    assert raw(console, "/jobs", host)[0] == 200


def test_ipv6_is_served_too(console: Console) -> None:
    assert httpx.get(f"http://[::1]:{console.port}/health").json()["status"] == "ok"


def test_further_names_are_allowed_on_request(tmp_path: Path) -> None:
    with console_in(tmp_path / "named", "--allow-host", "Workstation.example") as console:
        assert raw(console, "/jobs", "workstation.example:32002")[0] == 200
        assert raw(console, "/jobs", "other.example")[0] == 421
        # A restart keeps what it was started with, whatever else is said.
        for words in ((), ("--port", str(console.port))):
            console.clara("console", "restart", *words)
            assert raw(console, "/jobs", "workstation.example")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("place", ["/jobs/{}/again", "/api/v1/jobs/{}/again", "/jobs/{}/delete", "/sign-out"])
def test_pages_of_other_sites_change_nothing(console: Console, job: str, headers: dict[str, str], place: str) -> None:
    answer = console.post(place.format(job), headers=headers)
    assert answer.status_code == 403
    assert console.record(job).name == "guarded"


def test_a_form_needs_its_token(console: Console, job: str) -> None:
    for data in ({}, {"form_token": ""}, {"form_token": "0" * 64}):
        answer = httpx.post(f"{console.address}/jobs/{job}/delete", data=data, headers={"accept": "text/html"})
        assert answer.status_code == 403 and "load it again" in answer.text
    pipeline = console.record(job).pipeline_id
    sent = {"name": (None, "intruder"), "file": ("a.txt", b"x")}
    assert httpx.post(f"{console.address}/pipelines/{pipeline}/jobs", files=sent).status_code == 403
    assert console.get("/api/v1/jobs?q=intruder").json()["total"] == 0
    assert console.record(job).name == "guarded"


def test_every_answer_has_a_strict_policy(console: Console, job: str) -> None:
    for place in ("/jobs", f"/jobs/{job}", "/nothing", "/static/console.js", "/api/v1/jobs", "/metrics"):
        headers = console.get(place).headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers and "access-control-allow-origin" not in headers


def test_a_file_is_never_a_page(console: Console, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "page.html").write_text("<script>alert(1)</script>")
    job = console.job(console.pipeline("html"), "html", folder)
    answer = console.get(f"/payloads/{console.record(job).payload_id}/files/input/page.html")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


WAYS_OUT = [
    "../../../clara.db",
    "..%2f..%2fclara.db",
    "%2e%2e/%2e%2e/clara.db",
    "input/../../../clara.db",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "input/link",
    "input/linked/passwd",
    "operators/%00",
    "",
    "input",
]


@pytest.mark.parametrize("kind", ["files", "view", "zip"])
@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_path_leaves_the_payload(console: Console, job: str, kind: str, way: str) -> None:
    payload = console.record(job).payload_id
    inside = console.root.payloads / payload / "input"
    for name, target in (("link", "/etc/passwd"), ("linked", "/etc")):
        if not os.path.lexists(inside / name):
            (inside / name).symlink_to(target)
    status, body = raw(console, f"/payloads/{payload}/{kind}/{way}")
    assert b"root:" not in body and b"SQLite" not in body
    if status == 200:
        assert kind == "zip" or way in ("",)
        assert set(zipfile.ZipFile(BytesIO(body)).namelist()) <= {"a.txt", "input/a.txt"}
    api = raw(console, f"/api/v1/payloads/{payload}/files/{way}")
    assert b"root:" not in api[1] and b"SQLite" not in api[1]


def test_nothing_is_put_outside_a_payload(console: Console) -> None:
    job = console.job(console.pipeline("written"), "written")
    payload = console.record(job).payload_id
    for way in ("../../evil", "%2e%2e/evil", "..%2fevil", "input/../../../evil"):
        connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=20)
        connection.request("PUT", f"/api/v1/payloads/{payload}/files/{way}", b"x")
        assert connection.getresponse().status in (400, 404, 405)
        connection.close()
    assert not list(console.root.path.rglob("evil"))
    token = console.form_token()
    for name in ("../evil", "/../evil", "a/../../evil"):
        sent = {"form_token": (None, token), "name": (None, "climber"), "file": (name, b"x")}
        answer = httpx.post(f"{console.address}/pipelines/{console.record(job).pipeline_id}/jobs", files=sent)
        assert answer.status_code == 400 and "leaves the payload" in answer.json()["error"]
    assert not list(console.root.path.rglob("evil"))
    # Nothing of those jobs stays.
    assert console.get("/api/v1/jobs?q=climber").json()["total"] == 0
    assert [entry.name for entry in console.root.payloads.iterdir() if entry.name.startswith(".")] == []


def test_uploads_are_bounded(tmp_path: Path) -> None:
    folder = tmp_path / "bounded"
    (folder / ".clara").mkdir(parents=True)
    (folder / ".clara" / "config.yaml").write_text("platform: {max_upload: 1M}\n")
    with console_in(folder) as console:
        pipeline = console.pipeline("bounded")
        fields = {"form_token": (None, console.form_token()), "name": (None, "big")}
        sent = {**fields, "file": ("a.bin", b"x" * (2 << 20))}
        answer = httpx.post(f"{console.address}/pipelines/{pipeline}/jobs", files=sent)
        assert answer.status_code == 413 and "at most 1.0 MiB" in answer.json()["error"]
        job = console.job(pipeline, "other")
        payload = console.record(job).payload_id
        place = f"{console.address}/api/v1/payloads/{payload}/files/a.bin"
        assert httpx.put(place, content=b"x" * (2 << 20)).status_code == 413
        assert httpx.put(place, content=b"x" * 1000).status_code == 204
        assert httpx.get(f"{console.address}/api/v1/jobs").json()["total"] == 1
        assert sum(1 for entry in console.root.payloads.iterdir()) == 1


def test_a_part_of_a_file_is_sent(console: Console, job: str) -> None:
    place = f"/payloads/{console.record(job).payload_id}/files/input/a.txt"
    for wanted, status, body in (
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=0-99", 206, b"0123456789"),
        ("bytes=10-", 416, b""),
        ("bytes=4-2", 416, b""),
        ("bytes=1-2,4-5", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
        ("bytes=²-3", 200, b"0123456789"),
    ):
        answer = console.get(place, headers={"range": wanted.encode()})
        assert (answer.status_code, answer.content) == (status, body), wanted


def test_a_request_that_is_too_large_is_not_read(console: Console) -> None:
    body = b'{"files": [{"path": "' + b"x" * (70 << 20) + b'"}]}'
    answer = httpx.post(
        f"{console.address}/api/v1/pipelines", content=body, headers={"content-type": "application/json"}, timeout=60
    )
    assert answer.status_code == 413 and "at most 64.0 MiB" in answer.json()["error"]


def token_file(folder: Path, text: str = TOKEN, mode: int = 0o600) -> Path:
    file = folder / "token"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_people_sign_in_where_a_token_is_needed(tmp_path: Path) -> None:
    file = token_file(tmp_path)
    with console_in(tmp_path / "signed", "--address", "0.0.0.0", "--token-file", file) as console:
        for place in ("/jobs", "/api/v1/jobs", "/metrics", "/events?topic=jobs", "/api/openapi.json"):
            answer = console.get(place, headers={"accept": "application/json"})
            assert answer.status_code == 401 and "clara_jobs" not in answer.text
        assert console.get("/health").status_code == 200
        answer = console.get("/jobs?q=x")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=/jobs%3Fq%3Dx")
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert console.get("/api/v1/jobs", headers=bearer).json()["total"] == 0
        assert console.get("/api/v1/jobs", headers={"authorization": "Bearer wrong"}).status_code == 401
        place = f"{console.address}/sign-in"
        assert httpx.post(place, data={"token": "wrong", "to": "/jobs"}).status_code == 403
        answer = httpx.post(place, data={"token": TOKEN, "to": "/jobs?q=x"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?q=x")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie
        cookies = {"clara_console": answer.cookies["clara_console"]}
        assert httpx.get(f"{console.address}/jobs", cookies=cookies).status_code == 200
        forged = {"clara_console": "9999999999." + cookies["clara_console"].partition(".")[2]}
        assert httpx.get(f"{console.address}/api/v1/jobs", cookies=forged).status_code == 401
        for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example"):
            assert httpx.post(place, data={"token": TOKEN, "to": elsewhere}).headers["location"] == "/"
        # Sessions outlive a restart, but not another token.
        console.clara("console", "restart")
        assert httpx.get(f"{console.address}/jobs", cookies=cookies).status_code == 200
        token_file(tmp_path, "another-token-of-some-length")
        console.clara("console", "restart")
        assert httpx.get(f"{console.address}/api/v1/jobs", cookies=cookies).status_code == 401


def test_other_addresses_need_a_decision(console: Console, tmp_path: Path) -> None:
    other = Console(tmp_path / "other")
    done = other.clara("console", "start", "--address", "0.0.0.0", "--port", "0", code=2)
    assert "--token-file" in done.stderr and "--insecure" in done.stderr
    for file, words in (
        (token_file(tmp_path, "short"), "at least 16 characters"),
        (token_file(tmp_path / "..", TOKEN, 0o644), "chmod 600"),
        (tmp_path / "missing", "No such file"),
    ):
        done = other.clara("console", "start", "--token-file", file, code=1)
        assert words in done.stderr
    with console_in(tmp_path / "open", "--address", "0.0.0.0", "--insecure") as opened:
        assert "can see all jobs" in opened.clara("console", "status").stderr
        assert raw(opened, "/jobs", "10.1.2.3")[0] == 200
        assert raw(opened, "/jobs", "evil.example")[0] == 421


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"x"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"garbage"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nn'),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: y\r\n" * 5000 + b"\r\n\r\n--b--\r\n"),
    ],
)
def test_a_malformed_form_is_refused(console: Console, job: str, content_type: str, body: bytes) -> None:
    place = f"{console.address}/pipelines/{console.record(job).pipeline_id}/jobs"
    headers = {"content-type": content_type, "x-clara-form": console.form_token()}
    answer = httpx.post(place, content=body, headers=headers)
    assert answer.status_code == 400, answer.text


def test_a_connection_that_breaks_leaves_nothing(console: Console) -> None:
    pipeline = console.pipeline("broken")
    before = set(console.root.payloads.iterdir())
    connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=20)
    head = (
        b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nbroken upload\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    )
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": "10000000",
        "X-Clara-Form": console.form_token(),
    }
    connection.putrequest("POST", f"/pipelines/{pipeline}/jobs")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(head + b"x" * 5_000_000)
    wait_until(lambda: console.get("/api/v1/jobs?q=broken+upload").json()["total"] == 1, "the job")
    connection.close()
    wait_until(lambda: console.get("/api/v1/jobs?q=broken+upload").json()["total"] == 0, "the end of it")
    wait_until(lambda: set(console.root.payloads.iterdir()) == before, "the removal of its files")
