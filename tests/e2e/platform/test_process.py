"""The server as a process: started, found, stopped; who can reach it; what becomes of jobs without it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from platform_support import ECHO, Client, Server, accepted, refusal, server_in
from support import installed_command, wait_until

from clara_cli.root import Root
from clara_cli.server.process import find_running
from clara_cli.server.wire import clara_pb2, jobs_pb2, pipelines_pb2

SLEEPER = "import time\nprint('asleep', flush=True)\ntime.sleep({})\nprint('awake')\n"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own."""
    with server_in(tmp_path / "own") as server:
        yield server


def version(channel: grpc.Channel) -> str:
    found = accepted(Client(channel).clara.Version(clara_pb2.ClaraVersionRequest(), timeout=10)).version
    return f"{found.major}.{found.minor}.{found.patch}"


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def test_what_start_status_version_and_stop_say(tmp_path: Path) -> None:
    server = Server(tmp_path / "own")
    server.folder.mkdir()
    assert server.clara("platform", "status", code=3).stdout == "STATE: stopped\n"
    assert len(server.clara("version").stdout.splitlines()) == 1
    first, second = free_ports(2)
    try:
        out = server.clara("platform", "start", "--port", first, "--port", second).stdout.splitlines()
        assert out[:5] == [
            "Starting clara...",
            "NAME: clara",
            "STATE: running",
            f"ADDRESS: 127.0.0.1:{first}",
            f"ADDRESS: 127.0.0.1:{second}",
        ]
        assert server.clara("platform", "status").stdout.splitlines() == out[2:]
        assert "Clara Platform version: 0.8.1" in server.clara("version").stdout.splitlines()
        for port in (first, second):
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                assert version(channel) == "0.8.1"
        again = server.clara("platform", "start", code=1)
        assert "runs already" in again.stderr and f"127.0.0.1:{first}" in again.stderr
        # Anew on the same ports, without being told again.
        restarted = server.clara("platform", "restart").stdout.splitlines()
        assert restarted[3:5] == out[3:5] and restarted != out
    finally:
        stopped = server.clara("platform", "stop", "-y")
    assert stopped.stdout == "Clara Platform stopped.\n"
    again = server.clara("platform", "stop")
    assert (again.stdout, again.stderr) == ("", "The platform server does not run.\n")
    assert [path.name for path in (server.root / "platform").iterdir() if path.name not in ("lock", "server.log")] == []


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    server = Server(tmp_path / "own")
    server.folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = server.clara("platform", "start", "--port", port, code=1)
    assert f"cannot listen on 127.0.0.1:{port}" in said.stderr and "Traceback" not in said.stderr
    server.clara("platform", "status", code=3)


def test_in_the_foreground_until_a_signal(tmp_path: Path) -> None:
    server = Server(tmp_path / "own")
    server.folder.mkdir()
    (port,) = free_ports(1)
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen(
            [installed_command(), "platform", "start", "--foreground", "--port", str(port)],
            env=server.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(20)
            assert version(channel) == "0.8.1"
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, ""), err
        assert f"Listening on 127.0.0.1:{port}" in err and "Traceback" not in err


def test_one_line_says_what_to_install(tmp_path: Path) -> None:
    """A meta path finder stands for an environment without the extra: it finds none of gRPC."""
    program = (
        "import sys\n"
        "class Without:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('grpc', 'google', 'grpc_health', 'grpc_reflection'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "from clara_cli.cli import cli\n"
        "cli(sys.argv[1:], prog_name='clara')\n"
    )
    # Unattended scripts expect that a start goes well; a service manager has to know that nothing runs.
    for words, code in ((["start"], 0), (["restart", "-y"], 0), (["start", "--foreground"], 2)):
        command = [sys.executable, "-c", program, "platform", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.splitlines()[0].endswith("not installed: pip install 'clara-cli[server]'")
        assert done.stderr.startswith("Error: " if code else "Notice: nothing was ")
    for words, code in ((["platform", "status"], 3), (["platform", "stop"], 0), (["version"], 0), (["--help"], 0)):
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
        assert done.returncode == code and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--address", "0.0.0.0"], "can be reached from other machines"),
        (["--address", "::"], "can be reached from other machines"),
        (["--address", "example.org"], "can be reached from other machines"),
        (["--tls-cert", "a.pem"], "belong together"),
        (["--client-ca", "a.pem"], "needs --tls-cert"),
        (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "cannot read"),
        (["--port", "70000"], "70000"),
        (["--port", "4711", "--port", "4711"], "given twice"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, words: list[str], said: str) -> None:
    server = Server(tmp_path / "own")
    server.folder.mkdir()
    code = 1 if "no.pem" in words else 2
    answer = server.clara("platform", "start", *words, code=code)
    assert said in answer.stderr and "Traceback" not in answer.stderr
    server.clara("platform", "status", code=3)


def test_beyond_loopback_without_tls_there_is_a_warning(tmp_path: Path) -> None:
    with server_in(tmp_path / "own", "--address", "0.0.0.0", "--insecure") as server:
        status = server.clara("platform", "status")
        assert "Warning: programs on other machines can connect without TLS" in status.stderr
        with server.channel() as channel:
            assert version(channel) == "0.8.1"
            # Whoever may be anybody does not stop the server.
            code, text = refusal(Client(channel).clara.Stop(clara_pb2.ClaraStopRequest()))
            assert code == -0x0004 and "clara platform stop" in text
            assert version(channel) == "0.8.1"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority (`ca.pem`), and `server` and `client` with certificates of it."""
    folder = tmp_path_factory.mktemp("certificates")
    script = """
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority
    made="-CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
    for name in server client; do
        openssl req -newkey rsa:2048 -nodes -keyout $name.key -out $name.csr -subj /CN=localhost
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > $name.ext
        openssl x509 -req -in $name.csr $made -extfile $name.ext -out $name.pem
    done
    """
    subprocess.run(["bash", "-ec", script], cwd=folder, check=True, capture_output=True)
    return folder


def test_a_token_over_tls_makes_a_server_trusted(tmp_path: Path, certificates: Path) -> None:
    """No warning, and whoever shows it may stop the server."""
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("0123456789abcdef")
    tls = ["--tls-cert", certificates / "server.pem", "--tls-key", certificates / "server.key"]
    words = ["--address", "0.0.0.0", *tls, "--token-file", token]
    with server_in(tmp_path / "own", *map(str, words)) as server:
        assert server.clara("platform", "status").stderr == ""
        transport = grpc.ssl_channel_credentials((certificates / "ca.pem").read_bytes())
        with grpc.secure_channel(server.address, transport) as channel, pytest.raises(grpc.RpcError, match="UNAUTHEN"):
            version(channel)
        shown = grpc.composite_channel_credentials(transport, grpc.access_token_call_credentials("0123456789abcdef"))
        with grpc.secure_channel(f"localhost:{server.port}", shown) as channel:
            assert version(channel) == "0.8.1"
            accepted(Client(channel).clara.Stop(clara_pb2.ClaraStopRequest()))
        wait_until(lambda: find_running(Root(server.root)) is None, "the server's end")


@pytest.mark.parametrize(
    ("key", "authority", "said"),
    [
        ("client.key", "ca.pem", "are not a certificate and its key"),
        ("server.pem", "ca.pem", "are not a certificate and its key"),
        ("server.key", "server.key", "holds no certificate"),
    ],
)
def test_files_that_are_not_for_tls(tmp_path: Path, certificates: Path, key: str, authority: str, said: str) -> None:
    server = Server(tmp_path / "own")
    server.folder.mkdir()
    words = ("--tls-cert", "server.pem", "--tls-key", key, "--client-ca", authority)
    named = [word if word.startswith("-") else str(certificates / word) for word in words]
    answer = server.clara("platform", "start", *named, code=1)
    assert said in answer.stderr and "cannot listen" not in answer.stderr


@pytest.mark.parametrize("mutual", [False, True])
def test_tls(tmp_path: Path, certificates: Path, mutual: bool) -> None:
    words = [
        "--address",
        "0.0.0.0",
        "--tls-cert",
        certificates / "server.pem",
        "--tls-key",
        certificates / "server.key",
    ]
    if mutual:
        words += ["--client-ca", certificates / "ca.pem"]
    authority, key, own_certificate = (
        (certificates / name).read_bytes() for name in ("ca.pem", "client.key", "client.pem")
    )
    with server_in(tmp_path / "own", *map(str, words)) as server:
        status = server.clara("platform", "status")
        assert f"TLS: {'mutual' if mutual else 'yes'}" in status.stdout.splitlines()
        assert ("Warning" in status.stderr) is not mutual
        known = grpc.ssl_channel_credentials(authority, key, own_certificate)
        with grpc.secure_channel(server.address, known) as channel:
            assert version(channel) == "0.8.1"
        with grpc.secure_channel(server.address, grpc.ssl_channel_credentials(authority)) as channel:
            if mutual:
                with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
                    version(channel)
            else:
                assert version(channel) == "0.8.1"
        with server.channel() as channel, pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            version(channel)
        # What it was given is kept: the same after a restart.
        server.clara("platform", "restart")
        with grpc.secure_channel(server.address, known) as channel:
            assert version(channel) == "0.8.1"


def test_health_and_reflection(own: Server) -> None:
    services = {f"nvidia.clara.platform.{name}" for name in ("Clara", "Jobs", "Models", "Payloads", "Pipelines")}
    with own.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", *services):
            answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        ask = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
        (listed,) = ask(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        assert services < {one.name for one in listed.list_services_response.service}
        (described,) = ask(
            iter([reflection_pb2.ServerReflectionRequest(file_containing_symbol="nvidia.clara.platform.Jobs")])
        )
        file = FileDescriptorProto.FromString(described.file_descriptor_response.file_descriptor_proto[0])
        assert file.name == "nvidia/clara/platform/jobs.proto"


def test_jobs_outlive_the_server_and_those_that_wait_get_their_turn(own: Server) -> None:
    own.program("echo", SLEEPER.format(2))
    own.configure("cpus: 1\n")
    own.clara("platform", "restart")
    with own.channel() as channel:
        client = Client(channel)
        pipeline = client.pipeline(ECHO)
        running, waiting = (client.job(pipeline, name).job_id for name in ("running", "waiting"))
        client.start(running)
        wait_until(lambda: client.status(running).state == jobs_pb2.JOB_STATE_RUNNING, "the first job to run")
        assert client.start(waiting).state == jobs_pb2.JOB_STATE_PENDING
        os.kill(own.pid, signal.SIGKILL)
        own.clara("platform", "start", "--port", own.port)
        assert client_status(own, running) in ("RUNNING", "HEALTHY")
    with own.channel() as channel:
        client = Client(channel)
        ends = [client.ended(job) for job in (running, waiting)]
        assert [one.status for one in ends] == [jobs_pb2.JOB_STATUS_HEALTHY] * 2
        # Whole seconds; the turn comes when the operator has ended, a moment before the job's own end is recorded.
        assert ends[0].started.value < ends[1].started.value


def client_status(server: Server, job: object) -> str:
    """What the command line says of a job while or after the server was away."""
    out = server.clara("describe", "job", "-j", job.value).stdout  # type: ignore[attr-defined]
    assert "EVICTED" not in out, out
    return "RUNNING" if "STATE: JOB_STATE_RUNNING" in out else "HEALTHY"


def test_a_job_whose_runner_was_killed_is_evicted_without_anybody_asking(own: Server) -> None:
    own.program("echo", SLEEPER.format(60))
    with own.channel() as channel:
        client = Client(channel)
        job = client.job(client.pipeline(ECHO)).job_id
        client.start(job)
        wait_until(lambda: client.status(job).state == jobs_pb2.JOB_STATE_RUNNING, "the job to run")
        os.kill(int((own.root / "jobs" / job.value / "lock").read_text()), signal.SIGKILL)
        status = client.ended(job)
        assert status.status == jobs_pb2.JOB_STATUS_EVICTED and "runner ended without notice" in status.messages[0]


def test_what_one_side_makes_the_other_sees(own: Server) -> None:
    own.program("echo", "print('hello')\n")
    definition = own.folder / "echo.yaml"
    definition.write_text(ECHO)
    with own.channel() as channel:
        client = Client(channel)
        over_wire = client.job(client.pipeline(ECHO), "over the wire").job_id.value
        pipeline = own.clara("create", "pipelines", "-p", definition).stdout.split()[1]
        beside = own.clara("create", "jobs", "-n", "beside", "-p", pipeline).stdout.split()[1]
        assert own.clara("list", "jobs", "-q").stdout.split() == [beside, over_wire]
        listed = client.jobs.List(jobs_pb2.JobsListRequest())
        assert [one.job_details.job_id.value for one in map(accepted, listed)] == [over_wire, beside]
        own.clara("start", "job", "-j", over_wire)
        (found,) = client.jobs.ReadLogs(jobs_pb2.JobsReadLogsRequest(job_id={"value": over_wire}, operator_name="echo"))
        assert list(found.logs) == ["hello"]
    assert own.clara("logs", "-j", over_wire, "-o", "echo").stdout == "hello\n"


def test_a_running_job_is_cancelled(own: Server) -> None:
    own.program("echo", SLEEPER.format(60))
    with own.channel() as channel:
        client = Client(channel)
        job = client.job(client.pipeline(ECHO)).job_id
        client.start(job)
        wait_until(lambda: client.status(job).state == jobs_pb2.JOB_STATE_RUNNING, "the job to run")
        began = time.monotonic()
        answer = accepted(client.jobs.Cancel(jobs_pb2.JobsCancelRequest(job_id=job, reason="the patient left")))
        assert time.monotonic() - began < 20
        assert answer.job_id == job
        assert (answer.job_state, answer.job_status) == (jobs_pb2.JOB_STATE_STOPPED, jobs_pb2.JOB_STATUS_CANCELED)
        assert "cancelled: the patient left" in client.status(job).messages


def test_an_operator_without_a_program_is_said_at_the_start(own: Server) -> None:
    """And none is looked for where a client says, or where the server happens to be."""
    folder = own.folder / "echo"
    folder.mkdir()
    (folder / "main.py").write_text("print('must not run')\n")
    with own.channel() as channel:
        client = Client(channel)
        for image in ("echo", str(folder), f"..{folder}"):
            content = ECHO.replace("image: echo", f"image: '{image}'")
            part = {"path": f"{own.folder}/pipeline.yaml", "content": content}
            made = client.pipelines.Create(iter([pipelines_pb2.PipelinesCreateRequest(definition=part)]))
            if made.header.code < 0:
                continue  # no image's name
            job = client.job(made.pipeline_id).job_id
            code, text = refusal(client.jobs.Start(jobs_pb2.JobsStartRequest(job_id=job)))
            assert code == -0x2202 and ("no local program for image" in text or "not an image name" in text)
            assert client.status(job).state == jobs_pb2.JOB_STATE_PENDING
