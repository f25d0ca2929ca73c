"""A platform on another machine that lacks something, is away, or is left in the middle."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from platform_support import CLIENTS, ECHO, Server, server_in
from support import installed_command, wait_until

SLOW = """\
import os, shutil, time
source, target = (os.environ[name].split(":", 1)[1] for name in ("NVIDIA_CLARA_INPUTPATHS", "NVIDIA_CLARA_OUTPUTPATHS"))
shutil.copytree(source, target, dirs_exist_ok=True)
print("copied", flush=True)
if os.path.exists(os.path.join(source, "wait")):
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_in(tmp_path_factory.mktemp("faults") / "server") as server:
        server.program("echo", SLOW)
        (server.folder / "pipeline.yaml").write_text(ECHO)
        yield server


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


class Client:
    """A machine with the command and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "client"
        self.folder.mkdir()
        (self.folder / "home").mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CLARA_")},
            "HOME": str(self.folder / "home"),
            "CLARA_ROOT": str(self.folder / "no-root"),
        }

    def start(self, *words: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [installed_command(), *map(str, words)],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err and not (self.folder / "no-root").exists()
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def refused(self, *words: object, **environment: str) -> str:
        """What a command says that ends with 1 and prints nothing: one error, perhaps with a hint."""
        done = self(*words, code=1, **environment)
        lines = done.stderr.splitlines()
        assert done.stdout == "" and 1 <= len(lines) <= 2 and lines[0].startswith("Error: "), done.stderr
        return done.stderr


@contextmanager
def published_only(root: Path) -> Iterator[str]:
    """The address of a server that has the published services alone."""
    process = subprocess.Popen([sys.executable, CLIENTS / "published_only.py", root], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.communicate()


def job_of(server: Server, client: Client, *files: str) -> str:
    """A job with such files as input."""
    data = client.folder / "data"
    data.mkdir(exist_ok=True)
    for name in files:
        (data / name).write_text(name)
    pipeline = server.clara("create", "pipeline", "-q", "-p", server.folder / "pipeline.yaml").stdout.strip()
    return client("--host", server.address, "create", "job", "-q", "-n", "j", "-p", pipeline, "-f", data).stdout.strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_an_attached_start_cancels_the_job(platform: Server, client: Client, number: int) -> None:
    job = job_of(platform, client, "wait")
    starting = client.start("--host", platform.address, "start", "job", "-j", job)
    wait_until(lambda: "copied" in platform.clara("logs", "-j", job).stdout, "the operator", 60)
    starting.send_signal(number)
    out, err = starting.communicate(timeout=60)
    assert starting.returncode == 128 + number
    assert out == "Job Start request submitted successfully with JOB_STATUS_HEALTHY\n"
    reason = f"{signal.Signals(number).name} received by clara start"
    assert f"job {job} was cancelled ({reason}); what it wrote is kept" in err and "Traceback" not in err
    described = platform.clara("describe", "job", job).stdout
    assert "STATUS: JOB_STATUS_CANCELED" in described and f"cancelled: {reason}" in described


def test_ctrl_c_ends_followed_logs_and_leaves_the_job_alone(platform: Server, client: Client) -> None:
    job = job_of(platform, client, "wait")
    client("--host", platform.address, "start", "job", "--detach", "-j", job)
    following = client.start("--host", platform.address, "logs", "-f", "-j", job, "-o", "echo")
    assert following.stdout is not None and following.stdout.readline() == "copied\n"
    following.send_signal(signal.SIGINT)
    _, err = following.communicate(timeout=60)
    assert following.returncode == 130 and "Traceback" not in err
    assert "STATE: JOB_STATE_RUNNING" in platform.clara("describe", "job", job).stdout
    client("--host", platform.address, "cancel", "job", job)


def test_a_job_goes_on_when_the_connection_breaks(tmp_path: Path, client: Client) -> None:
    with server_in(tmp_path / "breaks") as server:
        server.program("echo", SLOW)
        (server.folder / "pipeline.yaml").write_text(ECHO)
        job = job_of(server, client, "wait")
        starting = client.start("--host", server.address, "start", "job", "-j", job)
        wait_until(lambda: "copied" in server.clara("logs", "-j", job).stdout, "the operator", 60)
        os.kill(server.pid, signal.SIGKILL)
        _, err = starting.communicate(timeout=60)
        assert starting.returncode == 1 and "cannot reach the platform" in err
        assert f"the job goes on there: clara wait {job}" in err
        server.start()
        assert "STATE: JOB_STATE_RUNNING" in server.clara("describe", "job", job).stdout
        server.clara("cancel", "job", job)


def test_a_server_of_the_published_services_alone(platform: Server, client: Client) -> None:
    """What they can do works; the rest is refused with what is missing."""
    data = client.folder / "data"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "a.txt").write_text("a")
    with published_only(platform.root) as address:

        def clara(*words: object, code: int = 0) -> str:
            return client("--host", address, *words, code=code).stdout

        assert clara("version").splitlines()[1] == "Clara Platform version: 0.8.1"
        pipeline = clara("create", "pipeline", "-q", "-p", platform.folder / "pipeline.yaml").strip()
        assert f"echo-pipeline   {pipeline}" in clara("list", "pipelines")
        assert "echo       echo:latest   -" in clara("describe", "pipeline", pipeline[:12])
        job = clara("create", "job", "-q", "-n", "plain", "-p", pipeline[:12], "-f", data).strip()
        assert (
            clara("start", "job", "-j", job[:12])
            == platform.clara("start", "job", "-j", job_of(platform, client, "x")).stdout
        )
        lines = clara("describe", "job", "-j", job).splitlines()
        assert lines[5:7] == ["STATUS: JOB_STATUS_HEALTHY", "STATE: JOB_STATE_STOPPED"] and lines[9] == "COMPLETED: 1"
        assert job in clara("list", "jobs") and clara("logs", "-j", job, "-o", "echo") == "copied\n"
        assert clara("wait", job) == f"{job} JOB_STATUS_HEALTHY\n"
        clara("download", f"{job}:/operators/echo/*", "out")
        assert (client.folder / "out" / "deep" / "a.txt").read_text() == "a"
        clara("cancel", job, code=1)
        payload = clara("create", "payload", "-q", "-f", data).strip()
        clara("upload", "-p", payload, platform.folder / "pipeline.yaml")
        assert "/pipeline.yaml" in clara("describe", "payload", payload)
        assert clara("delete", "payload", payload) == f"Deleted payload {payload}.\n"
        assert clara("delete", "pipeline", pipeline) == f"Deleted pipeline {pipeline}.\n"
        for words, call in (
            (("delete", "job", job), "FindDeletable"),
            (("list", "payloads"), "ListPayloads"),
            (("list", "images"), "ListImages"),
            (("logs", "-f", "-j", job), "ReadLogs"),
            (("clean", "--older-than", "1d"), "FindCleanable"),
            (("start", "job", "-j", job, "--from", "echo"), "RunAgain"),
        ):
            said = client.refused("--host", address, *words)
            group = " ".join(
                word
                for word in words[:2]
                if word in ("delete", "list", "job", "payloads", "images", "logs", "clean", "start")
            )
            assert f"lacks what clara {group}" in said and f"clara_cli.v1.Commands.{call}" in said


def test_a_platform_that_is_away(client: Client, tmp_path: Path) -> None:
    for words in (("list", "jobs"), ("version",), ("start", "job", "-j", "ab"), ("download", "ab:/input/*", "out")):
        said = client.refused("--host", "127.0.0.1:1", *words)
        assert "cannot reach the platform at 127.0.0.1:1: nothing listens there" in said
    said = client.refused("--host", "no-such-host.invalid", "list", "jobs")
    assert "no-such-host.invalid:30031: there is no such host" in said
    assert not (client.folder / "out").exists()


def test_an_engine_is_not_chosen_for_a_platform(platform: Server, client: Client) -> None:
    for words in (("start", "job", "-j", "0"), ("run", "definition.yaml")):
        done = client("--host", platform.address, *words, "--engine", "slurm", code=2)
        assert f"--engine is about jobs of this machine: the platform at {platform.address}" in done.stderr


def test_another_service_at_the_port(client: Client) -> None:
    """One that speaks, but not this."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(100)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        said = client.refused("--host", f"127.0.0.1:{listening.getsockname()[1]}", "list", "jobs")
        assert "cannot reach the platform" in said
        listening.shutdown(socket.SHUT_RDWR)


def test_tokens(tmp_path: Path, client: Client) -> None:
    token, wrong = client.folder / "token", client.folder / "wrong"
    token.write_text("a-token-that-is-long-enough-for-all\n")
    token.chmod(0o600)
    wrong.write_text("another-token-that-is-long-enough\n")
    (client.folder / "empty").write_text("\n")
    with server_in(tmp_path / "server", "--token-file", str(token)) as server:
        address = server.address
        assert client("--host", address, "--token-file", token, "list", "jobs").stderr == ""
        client("--host", address, "list", "jobs", CLARA_TOKEN_FILE=str(token))
        (client.folder / "home" / ".clara").mkdir()
        config = client.folder / "home" / ".clara" / "config.yaml"
        config.write_text(f"host: {address}\ntoken_file: {token}\n")
        client("list", "jobs")
        config.unlink()
        for words in ((), ("--token-file", wrong)):
            said = client.refused("--host", address, *words, "list", "jobs")
            assert ("the token that was sent is another one" in said) is bool(words)
            assert "does not let this caller in: this server asks for a token" in said and "--token-file" in said
        assert "holds no token" in client.refused("--host", address, "--token-file", "empty", "list", "jobs")
        assert "cannot read none" in client.refused("--host", address, "--token-file", "none", "list", "jobs")
    away = client("--host", "host.invalid", "--token-file", token, "list", "jobs", code=1).stderr
    assert away.startswith("Warning: the token is sent to host.invalid:30031 without TLS")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates of it for a server and a caller; another authority."""
    folder = tmp_path_factory.mktemp("certificates")
    script = """
    set -e
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority
    openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj /CN=other
    echo subjectAltName=DNS:localhost,IP:127.0.0.1 > server.ext
    made="-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext"
    for name in server caller; do
        openssl req -newkey rsa:2048 -nodes -keyout $name.key -out $name.csr -subj /CN=localhost
        openssl x509 -req -in $name.csr $made -out $name.pem
    done
    """
    subprocess.run(["bash", "-c", script], cwd=folder, check=True, capture_output=True)
    return folder


def test_tls(tmp_path: Path, client: Client, certificates: Path, platform: Server) -> None:
    file = {path.name: path for path in certificates.iterdir()}
    words = ("--tls-cert", file["server.pem"], "--tls-key", file["server.key"], "--client-ca", file["ca.pem"])
    caller = ("--tls-cert", file["caller.pem"], "--tls-key", file["caller.key"])
    with server_in(tmp_path / "tls", *map(str, words)) as server:
        host = ("--host", f"localhost:{server.port}")
        client(*host, "--tls-ca", file["ca.pem"], *caller, "list", "jobs")
        (client.folder / "home" / ".clara").mkdir()
        config = client.folder / "home" / ".clara" / "config.yaml"
        tls = {"ca": file["ca.pem"], "cert": file["caller.pem"], "key": file["caller.key"]}
        config.write_text(f"host: localhost:{server.port}\ntls: {{{', '.join(f'{k}: {v}' for k, v in tls.items())}}}\n")
        client("list", "jobs")
        config.unlink()
        for given, expected in (
            ((), "--tls-ca"),
            (("--tls-ca", file["other.pem"], *caller), "its certificate is not of an authority that is trusted"),
            (("--tls-ca", file["ca.pem"]), "--tls-cert and --tls-key"),
            (("--tls-ca", file["ca.pem"], *caller[:2]), "belong together"),
            (("--tls-ca", "none"), "cannot read none"),
        ):
            assert expected in client.refused(*host, *given, "list", "jobs")
    # TLS where the platform has none.
    said = client.refused("--host", platform.address, "--tls-ca", file["ca.pem"], "list", "jobs")
    assert "cannot reach the platform" in said and "TLS" in said


def large(client: Client, size: int = 2 << 30) -> Path:
    folder = client.folder / "large"
    folder.mkdir()
    for name in ("a.bin", "b.bin"):
        with (folder / name).open("wb") as file:
            file.truncate(size)
    return folder


def test_an_interrupted_download_leaves_nothing(platform: Server, client: Client) -> None:
    payload = platform.clara("create", "payload", "-q", "-f", large(client)).stdout.strip()
    out = client.folder / "out"
    downloading = client.start("--host", platform.address, "download", f"{payload}:/*", out)
    wait_until(lambda: out.exists() and any(file.stat().st_size > 0 for file in out.iterdir()), "a part", 60)
    downloading.send_signal(signal.SIGINT)
    _, err = downloading.communicate(timeout=60)
    assert downloading.returncode == 130 and err.split() == ["Aborted."]
    assert list(out.iterdir()) == []
    platform.clara("delete", "payload", payload)


def test_an_interrupted_upload_leaves_no_job(platform: Server, client: Client) -> None:
    data = large(client)
    pipeline = platform.clara("create", "pipeline", "-q", "-p", platform.folder / "pipeline.yaml").stdout.strip()
    before = platform.clara("list", "jobs", "-q").stdout, platform.clara("list", "payloads", "-q").stdout
    creating = client.start("--host", platform.address, "create", "job", "-n", "x", "-p", pipeline, "-f", data)
    payloads = platform.root / "payloads"
    wait_until(lambda: any(file.stat().st_size for file in payloads.rglob("a.bin")), "the upload", 60)
    creating.send_signal(signal.SIGINT)
    out, err = creating.communicate(timeout=60)
    assert (creating.returncode, out, err.split()) == (130, "", ["Aborted."])
    assert (platform.clara("list", "jobs", "-q").stdout, platform.clara("list", "payloads", "-q").stdout) == before
    wait_until(lambda: not list(payloads.rglob("a.bin")), "the end of what was sent", 30)


def test_a_payload_that_cannot_be_filled_is_not_made(platform: Server, client: Client) -> None:
    before = platform.clara("list", "payloads", "-q").stdout
    (client.folder / "data").mkdir()
    (client.folder / "data" / "a").write_text("a")
    os.mkfifo(client.folder / "data" / "pipe")
    said = client.refused("--host", platform.address, "create", "payload", "-f", "data")
    assert "is a FIFO: only files and folders can be uploaded" in said
    (client.folder / "data" / "pipe").unlink()
    (client.folder / "data" / os.fsdecode(b"no\xfftext")).write_text("")
    said = client.refused("--host", platform.address, "create", "payload", "-f", "data")
    assert "its name is no UTF-8 text" in said
    assert platform.clara("list", "payloads", "-q").stdout == before


def test_a_destination_that_cannot_be_written(platform: Server, client: Client) -> None:
    job = job_of(platform, client, "x", "y")
    out = client.folder / "out"
    out.mkdir()
    (out / "x").mkdir()
    done = client("--host", platform.address, "download", f"{job}:/input/*", out, code=1)
    assert "there is a folder of that name" in done.stderr
    assert not [path for path in out.iterdir() if path.name.startswith(".clara")]
    (client.folder / "away").mkdir()
    (client.folder / "in").mkdir()
    (client.folder / "in" / "input").symlink_to(client.folder / "away")
    done = client("--host", platform.address, "download", f"{job}:/input", "in", code=1)
    assert "is a link that leads out of" in done.stderr and not list((client.folder / "away").iterdir())
