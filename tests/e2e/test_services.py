"""Services of operators: real servers beside a job, and servers that run already."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import Clara, Project, installed_command, pipeline_of, processes_of, programs_of, stored_job, wait_until

from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.errors import ConfigError
from clara_cli.jobs.start import run_job, submit_job
from clara_cli.pipelines.model import Connection, Operator, Service
from clara_cli.root import choose_root
from clara_cli.runtime.listener import Silent
from clara_cli.runtime.stop import StopRequest

SERVER = """
import os, signal, socket, sys
print("args", *sys.argv[1:])
print("data", sorted(os.listdir(os.environ["NVIDIA_CLARA_SERVICE_DATA_PATH"] + "/models")))
def end(number, frame):
    print("asked to end", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
listener = socket.create_server(("127.0.0.1", int(os.environ["NVIDIA_CLARA_SERVICE_PORT"])))
while True:
    connection, _ = listener.accept()
    if connection.recv(1) == b"x":
        os._exit(3)
    connection.sendall(b"served")
"""
CLIENT = """
import os, socket, sys
host, port = os.environ["URI"].split(":")
with socket.create_connection((host, int(port))) as connection:
    connection.sendall(sys.argv[1].encode() if sys.argv[1:] else b"a")
    print(host, port, connection.recv(10).decode())
"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def listening() -> Iterator[int]:
    """A port that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


def web(port: int | None, command: tuple[str, ...] = ()) -> Service:
    return Service("web", "group/server", "1", command, (Connection("URI", "http", port),))


def client(name: str, service: Service, *command: str) -> Operator:
    return Operator(name, "client", command=command, services=(service,))


@pytest.fixture
def served(project: Project) -> Project:
    project.operator("server", SERVER)
    project.operator("client", CLIENT)
    return project


def test_one_service_serves_all_who_need_it_and_is_stopped(clara: Clara, served: Project) -> None:
    port = free_port()
    service = web(port, ("--address=$(URI)", "$(NVIDIA_CLARA_SERVICE_DATA_PATH)/models", "$(OTHER)"))
    job = stored_job(pipeline_of(client("a", service), client("b", service)), served.folder)
    clara("start", "job", "-j", job)
    address = f"127.0.0.1 {port} served"
    assert clara("logs", "-j", job, "-o", "a").lines == [address]
    log = clara("logs", "-j", job, "-o", "WEB").lines
    data = Path(log[0].split()[2])
    assert log == [f"args --address=127.0.0.1:{port} {data} $(OTHER)", "data []", "asked to end"]
    waiting = stored_job(pipeline_of(client("a", service)), served.folder)
    assert "web has not been started" in clara("logs", "-j", waiting, "-o", "web").err
    lines = clara("logs", "-j", job).lines
    assert lines[:2] == [f"web | {line}" for line in log[:2]], "in the order in which they were written"
    assert sorted(lines[2:4]) == [f"a | {address}", f"b | {address}"]
    assert lines[4:] == ["web | asked to end"]
    assert processes_of(job) == []


def test_a_port_that_another_has_is_not_waited_for(clara: Clara, served: Project) -> None:
    with listening() as taken:
        job = stored_job(pipeline_of(client("a", web(taken))), served.folder)
        clara("start", "job", "-j", job)
    _, port, answer = clara("logs", "-j", job, "-o", "a").lines[0].split()
    assert answer == "served" and int(port) != taken


def test_a_port_is_chosen_where_none_is_declared(clara: Clara, served: Project) -> None:
    job = stored_job(pipeline_of(client("a", web(None))), served.folder)
    clara("start", "job", "-j", job)
    assert clara("logs", "-j", job, "-o", "a").out.endswith(" served\n")


def test_a_service_that_never_answers_faults_the_job(clara: Clara, served: Project) -> None:
    served.operator("server", "import time\nprint('deaf', flush=True)\ntime.sleep(600)")
    served.configure("service_timeout: 1\n")
    with listening() as taken:
        job = stored_job(pipeline_of(client("a", web(taken))), served.folder)
        started = clara("start", "job", "-j", job, code=1)
    assert "Error: service web failed: it does not answer at 127.0.0.1:" in started.err
    assert f"after 1 s; another program has port {taken} (so " in started.err
    assert "  deaf\n" in started.err
    described = clara("describe", "job", "-j", job).out
    assert "JOB_STATUS_FAULTED" in described and "JOB_OPERATOR_STATUS_PENDING" in described
    assert "service web, needed by operator a, failed: it does not answer" in described
    assert processes_of(job) == []


@pytest.mark.parametrize("program", ["raise SystemExit(4)", None])
def test_a_service_that_cannot_start_faults_the_job(clara: Clara, served: Project, program: str | None) -> None:
    if program is None:
        (served.folder / "server" / "Dockerfile").write_text('FROM x\nENTRYPOINT ["/no/such/program"]\n')
    else:
        served.operator("server", program)
    job = stored_job(pipeline_of(client("a", web(free_port()))), served.folder)
    told = clara("start", "job", "-j", job, code=1).err
    expected = (
        "it could not be started" if program is None else "it ended before it answered at its port, with exit code 4"
    )
    assert f"service web failed: {expected}" in told


def test_a_service_that_dies_while_needed_faults_the_job(clara: Clara, served: Project) -> None:
    served.operator("client", CLIENT + "\nimport time\ntime.sleep(600)\n")
    job = stored_job(pipeline_of(client("a", web(free_port()), "x")), served.folder)
    told = clara("start", "job", "-j", job, code=1).err
    assert "Error: service web failed: it ended with exit code 3" in told
    assert processes_of(job) == []


def test_a_service_that_ends_when_nobody_needs_it_any_more_is_no_fault(clara: Clara, served: Project) -> None:
    other = Operator("b", "late", inputs=())
    served.operator("late", "import time\ntime.sleep(1)")
    served.operator("client", CLIENT.replace(", connection.recv(10).decode()", ""))
    served.operator("server", SERVER.replace("os._exit(3)", "import time; time.sleep(0.5); os._exit(3)"))
    job = stored_job(pipeline_of(client("a", web(free_port()), "x"), other), served.folder)
    clara("start", "job", "-j", job)


def test_missing_services_and_operators_are_all_named_before_the_start(clara: Clara, project: Project) -> None:
    job = stored_job(pipeline_of(client("a", web(8000)), client("b", web(8000))), project.folder)
    told = clara("start", "job", "-j", job, code=1).err
    assert "operator a, b: no local program for image client:latest" in told
    assert "service web of operator a, b: no local program for image group/server:1" in told
    assert "clara create image -n group/server:1 -p FOLDER" in told
    assert "or name a running server in the configuration, as `services: {URI: HOST:PORT}`" in told
    assert "JOB_STATE_PENDING" in clara("describe", "job", "-j", job).out


@pytest.mark.parametrize("how", ["configuration", "argument"])
def test_a_server_that_runs_already(clara: Clara, project: Project, how: str) -> None:
    project.operator("client", "import os\nprint(os.environ['URI'])")
    job = stored_job(pipeline_of(client("a", web(8000))), project.folder)
    if how == "configuration":
        project.configure("services: {URI: 'http://server:80'}\n")
        clara("start", "job", "-j", job)
    else:
        project.configure("services: {URI: 'other:80'}\n")
        stop = StopRequest()
        with Database(choose_root(load_config())) as database:
            with pytest.raises(ConfigError, match="'nowhere' is no address"):
                submit_job(database, load_config(), job, {"URI": "nowhere"})
            submitted = submit_job(database, load_config(), job, {"URI": "server:80"})
            assert run_job(submitted, Silent(), stop).succeeded
        stop.close()
    assert clara("logs", "-j", job, "-o", "a").lines == ["server:80"]


def test_folders_between_a_service_and_its_operators(clara: Clara, project: Project) -> None:
    project.operator("server", "import sys, time\nopen(sys.argv[1] + '/here', 'w').close()\ntime.sleep(600)")
    project.operator(
        "client",
        """
        import os, time
        while not os.path.exists(os.environ["VOLUME_PATH"] + "/here"):
            time.sleep(0.01)
        print(os.environ["DATA"] != os.environ["VOLUME_PATH"])
        """,
    )
    connections = (Connection("VOLUME_PATH", "volume", path="/shared"), Connection("DATA", "file", path="/data"))
    service = Service("store", "server", command=("/shared",), connections=connections)
    job = stored_job(pipeline_of(client("a", service)), project.folder)
    clara("start", "job", "-j", job)
    assert clara("logs", "-j", job, "-o", "a").lines == ["True"]


SHOW_TRITON = """
import os
names = ("NVIDIA_TRITON_HTTPURI", "NVIDIA_TRITON_GRPCURI", "CLARA_TRITON_URI", "NVIDIA_CLARA_TRTISURI")
print(*(os.environ.get(name) for name in names))
"""


def test_models_on_a_configured_triton_server(clara: Clara, project: Project) -> None:
    project.operator("client", SHOW_TRITON)
    operators = Operator("a", "client", models=("spleen",)), Operator("b", "client")
    job = stored_job(pipeline_of(*operators), project.folder)
    told = clara("start", "job", "-j", job, code=1).err
    assert "operator a lists models (spleen), and no Triton server is known" in told and "triton: HOST" in told
    project.configure("triton: gpu\n")
    clara("start", "job", "-j", job)
    expected = "gpu:8000 gpu:8001 gpu:8000 gpu:8000"
    # They run side by side, so either may come first.
    assert sorted(clara("logs", "-j", job).lines) == [f"a | {expected}", "b | None None None None"]


def test_models_on_a_triton_service_of_the_job(clara: Clara, served: Project, tmp_path: Path) -> None:
    served.operator("client", SHOW_TRITON)
    service = Service("trtis", "server", connections=(Connection("NVIDIA_CLARA_TRTISURI", "http", None),))
    operator = Operator("a", "client", services=(service,), models=("spleen", "liver"))
    (tmp_path / "root" / "common" / "models" / "spleen").mkdir(parents=True)
    job = stored_job(pipeline_of(operator), served.folder)
    told = clara("start", "job", "-j", job, code=1).err
    assert 'operator a: no model "liver"; known: spleen' in told
    (tmp_path / "own").mkdir()
    served.configure(f"models: {{liver: {tmp_path}/own}}\n")
    clara("start", "job", "-j", job)
    assert "data ['liver', 'spleen']" in clara("logs", "-j", job, "-o", "trtis").lines
    http, grpc, *legacy = clara("logs", "-j", job, "-o", "a").out.split()
    assert legacy == [http, http] and http.startswith("127.0.0.1:") and grpc == "127.0.0.1:8001"


DEAF = "import time\nprint('deaf', flush=True)\ntime.sleep(600)"


def test_a_job_can_be_cancelled_while_its_services_start(clara: Clara, served: Project) -> None:
    served.operator("server", DEAF)
    job = stored_job(pipeline_of(client("a", web(free_port()))), served.folder)
    process = subprocess.Popen([installed_command(), "start", "job", "-j", job], stderr=subprocess.DEVNULL)
    wait_until(lambda: "deaf" in clara("logs", "-j", job).out, "the service")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    described = clara("describe", "job", "-j", job).out
    assert "JOB_STATUS_CANCELED" in described and "JOB_OPERATOR_STATUS_PENDING" in described
    assert processes_of(job) == []


def test_the_jobs_time_limit_counts_while_its_services_start(clara: Clara, served: Project) -> None:
    served.operator("server", DEAF)
    job = stored_job(pipeline_of(client("a", web(free_port())), timeout=1), served.folder)
    assert "the job took longer than its time limit of 1 s" in clara("start", "job", "-j", job, code=1).err
    assert "JOB_STATUS_TERMINATED" in clara("describe", "job", "-j", job).out
    assert processes_of(job) == []


def test_a_service_outlives_no_killed_runner(clara: Clara, served: Project) -> None:
    served.operator("client", "import time\nprint('begun', flush=True)\ntime.sleep(600)")
    job = stored_job(pipeline_of(client("a", web(free_port()))), served.folder)
    process = subprocess.Popen([installed_command(), "start", "job", "-j", job], stderr=subprocess.DEVNULL)
    wait_until(lambda: "begun" in clara("logs", "-j", job).out, "the operator")
    assert len(programs_of(job)) == 2
    process.kill()
    process.wait()
    assert "JOB_STATUS_EVICTED" in clara("list", "jobs").out
    assert processes_of(job) == []


def test_a_service_that_ignores_its_end_is_killed(clara: Clara, served: Project) -> None:
    served.operator("server", SERVER.replace("sys.exit(0)", "pass"))
    job = stored_job(pipeline_of(client("a", web(free_port()))), served.folder)
    clara("start", "job", "-j", job)
    assert clara("logs", "-j", job, "-o", "web").lines[-1] == "asked to end"
    assert processes_of(job) == []
