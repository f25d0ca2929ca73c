"""Every text that a client can send, field by field: none becomes a path outside, a word of a shell, or a file read.

A folder outside the root holds a secret, a program and a model, and notes whether that program ever ran. Payloads hold
links to it. After each test the folder is as it was, and no answer had the secret in it.
"""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from platform_support import ECHO, Client, Server, accepted, chunks, every_method, refusal, server_in

from clara_cli.server.wire import jobs_pb2, models_pb2, payloads_pb2, pipelines_pb2
from clara_cli.server.wire.common_pb2 import Identifier, RequestHeader

SECRET = "the-secret-of-this-test"
LARGE = 10_000_000
# What a payload of a job has in it besides what a client sent: links that its operator left.
OPERATOR = """\
import json, os, sys
target = os.environ["NVIDIA_CLARA_OUTPUTPATHS"].split(":", 1)[1]
os.symlink(OUTSIDE, os.path.join(target, "folder"))
os.symlink(os.path.join(OUTSIDE, "secret.txt"), os.path.join(target, "secret"))
os.symlink("/", os.path.join(target, "system"))
os.symlink("loop", os.path.join(target, "loop"))
os.mkfifo(os.path.join(target, "fifo"))
told = {"argv": sys.argv[1:], "name": os.environ["NVIDIA_CLARA_JOBNAME"], "word": os.environ.get("WORD")}
json.dump(told, open(os.path.join(target, "told.json"), "w"))
"""
DEFINITION = """\
api-version: 0.4.0
orchestrator: Clara
name: telling-pipeline
parameters:
  word: none
operators:
- name: teller
  container: {image: teller, command: [python3, main.py, "${{ word }}"]}
  variables: {WORD: "${{ word }}"}
  input: [{path: /input}]
  output: [{path: /output}]
"""


class Outside:
    """The folder that nobody may reach."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "evil").mkdir(parents=True)
        (folder / "evil" / "main.py").write_text(f"open({str(folder / 'RAN')!r}, 'w').close()\n")
        (folder / "secret.txt").write_text(SECRET)
        (folder / "part.yaml").write_text(f"name: part\ndescription: {SECRET}\ncontainer: {{image: evil}}\n")
        (folder / "model" / "1").mkdir(parents=True)
        (folder / "model" / "1" / "model.plan").write_text(SECRET)
        (folder / "model" / "config.pbtxt").write_text('platform: "tensorrt_plan"\n')
        self.before = self.content()

    def content(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    return Outside(tmp_path_factory.mktemp("fields") / "outside")


@pytest.fixture(scope="module")
def server(outside: Outside) -> Iterator[Server]:
    with server_in(outside.folder.parent / "own") as running:
        running.program("teller", f"OUTSIDE = {str(outside.folder)!r}\n{OPERATOR}")
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with server.channel() as channel:
        yield Client(channel)


@pytest.fixture(autouse=True)
def untouched(server: Server, outside: Outside) -> Iterator[None]:
    """Nothing outside was changed, and nothing new lies in the root but what belongs there."""
    yield
    assert outside.content() == outside.before
    known = {"payloads", "jobs", "platform", "common", "repository", "environments"}
    known |= {"clara.db", "clara.db-wal", "clara.db-shm"}
    assert {path.name for path in server.root.iterdir() if not path.name.startswith((".", "README"))} <= known
    assert {path.name for path in (server.root / "platform").iterdir()} <= {"lock", "server.log", "state.json"}
    assert SECRET not in server.log()


def names(outside: Outside) -> list[str]:
    """Names of files that are none, lead away, or look as if they did."""
    secret = str(outside.folder / "secret.txt")
    up = "../" * 12
    return [
        *(secret, f"//{secret}", f"{up}{secret}", f"input/{up}{secret}", f"./{up}{secret}", f"a/../{up}{secret}"),
        *("..", "../", "/..", "input/..", ".", "/", "", "//", "./", "input", "operators", "operators/teller"),
        *("../clara.db", "../../clara.db", f"file://{secret}", f"~/{secret}", "~root/x", "$HOME/x", "${HOME}", "`id`"),
        *("operators/teller/secret", "operators/teller/folder", "operators/teller/folder/secret.txt"),
        *("operators/teller/folder/new", "operators/teller/loop", "operators/teller/loop/x", "operators/teller/fifo"),
        *("operators/teller/folder/../secret.txt", f"operators/teller/system{secret}", "*", "operators/*/secret"),
        *(
            "a\0b",
            f"{secret}\0.txt",
            "\0",
            "a\nb",
            "\n",
            "\r\n",
            "\x1b[2J",
            "\u202egpj.exe",
            "．．／secret",
            "%2e%2e%2fx",
        ),
        *("..\\..\\secret.txt", "C:\\secret.txt", "a" * 300, "a/" * 2000 + "b", "ä" * 200, "\U0001f600", "a" * LARGE),
        *("/" * LARGE, "../" * (LARGE // 3), "a/" * (LARGE // 2)),
    ]


def shown(answers: Any) -> list[Any]:
    """All answers of a call: each good, or with a code and a short text; none with the secret in it."""
    found = list(answers) if hasattr(answers, "__next__") else [answers]
    for answer in found:
        assert SECRET.encode() not in answer.SerializeToString()
        assert answer.header.code >= 0 or answer.header.messages
        assert answer.header.code != -0x0001, list(answer.header.messages)
        assert sum(map(len, answer.header.messages)) < 100_000
        assert "Traceback" not in "".join(answer.header.messages)
    return found


def ask(server: Server, method_name: str, /, **fields: Any) -> list[Any]:
    """The answers of a method to one request."""
    module, method = every_method()[f"nvidia.clara.platform.{method_name}"]
    kinds = (getattr(module, kind.rpartition(".")[2]) for kind in (method.input_type, method.output_type))
    request, response = kinds
    with server.channel() as channel:
        call = channel.stream_stream(f"/nvidia.clara.platform.{method_name}", None, response.FromString)
        return shown(call(iter([request(**fields).SerializeToString()]), timeout=60))


@pytest.fixture(scope="module")
def ran(client: Client) -> Any:
    """A job whose operator left links behind."""
    job = client.job(client.pipeline(DEFINITION), "a job")
    client.start(job.job_id)
    assert client.ended(job.job_id).status == jobs_pb2.JOB_STATUS_HEALTHY
    return job


def test_names_of_uploads(client: Client, server: Server, outside: Outside) -> None:
    reusable = accepted(client.payloads.Create(payloads_pb2.PayloadsCreateRequest())).payload_id
    pending = client.job(client.pipeline(DEFINITION)).payload_id
    for payload in (reusable, pending):
        top = server.root / "payloads" / payload.value
        (top / "link").symlink_to(outside.folder)
        if payload == pending:
            (top / "input" / "link").symlink_to(outside.folder)
        (top / "secret").symlink_to(outside.folder / "secret.txt")
        for name in [*names(outside), "link/new", "link/secret.txt", "link", "secret"]:
            (answer,) = shown(client.payloads.Upload(chunks(payload, name, b"written by a client")))
            if answer.header.code >= 0:
                assert answer.details.name == name
        for path in top.rglob("*"):
            assert path.resolve().is_relative_to(top.resolve()) or path.name in ("link", "secret")
        # Files that came have the place that their name says, as plain files of the payload.
        came = [path for path in top.rglob("*") if path.is_file() and not path.is_symlink()]
        assert came and {path.read_bytes() for path in came} == {b"written by a client"}


def test_names_of_downloads_and_removals(client: Client, server: Server, outside: Outside, ran: Any) -> None:
    reusable = accepted(client.payloads.Create(payloads_pb2.PayloadsCreateRequest())).payload_id
    (server.root / "payloads" / reusable.value / "folder").symlink_to(outside.folder)
    for payload in (ran.payload_id, reusable):
        for name in [*names(outside), "folder/secret.txt", "FOLDER/Secret.TXT"]:
            for answer in shown(
                client.payloads.Download(payloads_pb2.PayloadsDownloadRequest(payload_id=payload, name=name))
            ):
                assert answer.header.code < 0, f"{name[:80]!r} was served"
            shown(client.payloads.Remove(payloads_pb2.PayloadsRemoveRequest(payload_id=payload, name=name)))
        shown(client.payloads.Details(payloads_pb2.PayloadsDetailsRequest(payload_id=payload)))
    assert client.files(ran.payload_id).keys() == {"/operators/teller/told.json"}


def test_links_in_a_payload_are_not_copied_into_jobs(client: Client, server: Server, outside: Outside) -> None:
    reusable = accepted(client.payloads.Create(payloads_pb2.PayloadsCreateRequest())).payload_id
    top = server.root / "payloads" / reusable.value
    pipeline = client.pipeline(DEFINITION)
    for target in (outside.folder / "secret.txt", outside.folder, "/dev/zero", "/proc/self/environ"):
        (top / "link").symlink_to(target)
        request = jobs_pb2.JobsCreateRequest(pipeline_id=pipeline, name="job", input_payloads=[reusable])
        code, text = refusal(client.jobs.Create(request))
        assert code == -0x2204 and "link" in text
        (top / "link").unlink()


NONE = Identifier(value="0" * 32)
IDS = ["", "x", "0" * 31, "0" * 33, "../" * 10 + "ab", "/" * 32, "0" * 31 + "/", "0" * 31 + "\0", "٣" * 32, "%" * 32]


@pytest.mark.parametrize("identity", [*IDS, "*", "' OR 1=1 --", "0" * LARGE], ids=lambda text: ascii(text[:40]))
def test_ids(server: Server, identity: str) -> None:
    """Of every kind, in every method that takes one."""
    one = Identifier(value=identity)
    part = pipelines_pb2.PipelineDefinitionFile(path="a.yaml", content=ECHO)
    calls: list[tuple[str, dict[str, Any]]] = [
        *(("Jobs/Create", fields) for fields in ({"pipeline_id": one}, {"pipeline_id": NONE, "input_payloads": [one]})),
        *((f"Jobs/{name}", {"job_id": one}) for name in ("Start", "Cancel", "Status", "AddMetadata", "RemoveMetadata")),
        ("Jobs/ReadLogs", {"job_id": one, "operator_name": "teller"}),
        *((f"Payloads/{name}", {"payload_id": one}) for name in ("Details", "Delete", "AddMetadata", "RemoveMetadata")),
        *((f"Payloads/{name}", {"payload_id": one, "name": "a"}) for name in ("Download", "Remove")),
        ("Payloads/Upload", {"payload_id": one, "data": b"x"}),
        *(
            (f"Pipelines/{name}", {"pipeline_id": one})
            for name in ("Details", "Remove", "AddMetadata", "RemoveMetadata")
        ),
        *((f"Pipelines/{name}", {"pipeline_id": one, "definition": part}) for name in ("Create", "Update")),
        *((f"Models/{name}", {"model_id": one}) for name in ("DeleteModel", "DownloadModel")),
        *((f"Models/{name}", {"model_id": one}) for name in ("AddMetadata", "RemoveMetadata")),
        *((f"Models/{name}Catalog", {"catalog_id": one}) for name in ("Delete", "Read", "Update")),
        *((f"Models/{name}Instance", {"instance_id": one}) for name in ("Delete", "Read", "Update")),
    ]
    malformed = {"Jobs": -0x2000, "Payloads": -0x3000, "Pipelines": -0x1000}
    for name, fields in calls:
        if name == "Jobs/Create":
            fields["name"] = "job"
        answer = ask(server, name, **fields)[0]
        code = answer.header.code
        if name.startswith("Models"):
            assert code in (-0x0002, -0x4000, -0x4010, -0x4020), name
        elif name == "Jobs/Create":
            assert code in (-0x0002, -0x1000, -0x3000), name
        else:
            assert code in (-0x0002, malformed[name.partition("/")[0]]), name


WORDS = [
    *(
        "$(touch {0}/RAN)",
        "`touch {0}/RAN`",
        "; touch {0}/RAN;",
        "| touch {0}/RAN",
        "&& touch {0}/RAN",
        "' ; touch {0}/RAN '",
    ),
    *(
        '"; touch {0}/RAN; "',
        "\n touch {0}/RAN\n",
        "> {0}/RAN",
        "$HOME",
        "~",
        "*",
        "--help",
        "-c",
        "%s%n",
        "${{{{ word }}}}",
    ),
    *(
        "{{0.__class__}}",
        "@{0}/secret.txt",
        "file://{0}/secret.txt",
        "ä\u202e\U0001f600",
        "\\",
        "\x1b[2J",
        " ",
        "{0}/evil",
    ),
]


@pytest.mark.parametrize("word", WORDS)
def test_the_value_of_a_variable_arrives_as_it_was_sent(client: Client, outside: Outside, word: str) -> None:
    value = word.format(outside.folder)
    job = client.job(client.pipeline(DEFINITION))
    request = jobs_pb2.JobsStartRequest(job_id=job.job_id)
    request.Variables.add(name="word", value=value)
    (answer,) = shown(client.jobs.Start(request))
    if "${{" in value:
        assert answer.header.code >= 0 or answer.header.code == -0x2205
        return
    accepted(answer)
    assert client.ended(job.job_id).status == jobs_pb2.JOB_STATUS_HEALTHY
    told = json.loads(client.download(job.payload_id, "operators/teller/told.json"))
    assert told["argv"] == [value] and told["word"] == value


@pytest.mark.parametrize("value", ["a\0b", "x" * 1_000_000, "x" * LARGE], ids=["NUL", "1 MB", "10 MB"])
def test_a_value_that_no_process_can_have_is_said(client: Client, value: str) -> None:
    job = client.job(client.pipeline(DEFINITION)).job_id
    request = jobs_pb2.JobsStartRequest(job_id=job)
    request.Variables.add(name="word", value=value)
    (answer,) = shown(client.jobs.Start(request))
    if answer.header.code >= 0:
        ended = client.ended(job)
        assert ended.status == jobs_pb2.JOB_STATUS_FAULTED and ended.messages
        assert sum(map(len, ended.messages)) < 100_000
    else:
        assert client.status(job).state == jobs_pb2.JOB_STATE_PENDING


@pytest.mark.parametrize(
    "name", ["$(touch {0}/RAN)", "; touch {0}/RAN", "../../x", "{0}/evil", "-rf", "ä\U0001f600", "'\""]
)
def test_the_name_of_a_job_arrives_as_it_was_sent(client: Client, outside: Outside, name: str) -> None:
    wanted = name.format(outside.folder)
    job = client.job(client.pipeline(DEFINITION), wanted)
    client.start(job.job_id)
    assert client.ended(job.job_id).status == jobs_pb2.JOB_STATUS_HEALTHY
    assert client.status(job.job_id).name == wanted
    assert json.loads(client.download(job.payload_id, "operators/teller/told.json"))["name"] == wanted


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\0b", "\x1b[2J", "\u202e", "a" * 256, "a" * LARGE])
def test_a_name_that_no_job_can_have(client: Client, name: str) -> None:
    pipeline = client.pipeline(DEFINITION)
    (answer,) = shown(client.jobs.Create(jobs_pb2.JobsCreateRequest(pipeline_id=pipeline, name=name)))
    assert answer.header.code in (-0x2100, -0x0002)


def test_names_of_operators_whose_log_is_read(client: Client, server: Server, outside: Outside, ran: Any) -> None:
    logs = server.root / "jobs" / ran.job_id.value / "logs"
    (logs / "link.log").symlink_to(outside.folder / "secret.txt")
    for name in [*names(outside), "link", "../logs/link", "teller/../link", str(outside.folder / "secret"), "TELLER\0"]:
        for answer in shown(client.jobs.ReadLogs(jobs_pb2.JobsReadLogsRequest(job_id=ran.job_id, operator_name=name))):
            assert answer.header.code < 0 or not answer.logs, f"{name[:80]!r}: {answer.logs}"


def test_the_reason_of_a_cancellation_is_shown_without_control_characters(client: Client, server: Server) -> None:
    for reason, expected in (
        ("\x1b[2Jgone\n\0", "\\x1b[2Jgone\\n\\x00"),
        ("$(touch x)", "$(touch x)"),
        ("x" * (4 << 20), None),
        ("x" * 3_000_000, "x" * 1000),
    ):
        job = client.job(client.pipeline(DEFINITION)).job_id
        (answer,) = shown(client.jobs.Cancel(jobs_pb2.JobsCancelRequest(job_id=job, reason=reason)))
        if expected is None:
            assert answer.header.code == -0x0002 and "4194304 bytes" in answer.header.messages[0]
        else:
            assert list(client.status(job).messages) == [f"cancelled: {expected}"]
            assert "\x1b" not in server.clara("describe", "job", "-j", job.value).stdout


@pytest.mark.parametrize(
    ("key", "value"),
    [("", "x"), ("k" * 129, "x"), ("k", "v" * 257), ("k" * LARGE, "v"), ("k", "v" * LARGE), ("../x", "/etc/passwd")],
    ids=["no key", "long key", "long value", "large key", "large value", "paths"],
)
def test_metadata(client: Client, server: Server, key: str, value: str) -> None:
    pairs = {key: value}
    pipeline = client.pipeline(DEFINITION)
    for name, fields in (
        ("Payloads/Create", {}),
        ("Jobs/AddMetadata", {"job_id": client.job(pipeline).job_id}),
        ("Pipelines/AddMetadata", {"pipeline_id": pipeline}),
        ("Jobs/Create", {"pipeline_id": pipeline, "name": "job"}),
    ):
        (answer,) = ask(server, name, metadata=pairs, **fields)
        assert (answer.header.code >= 0) is (key == "../x")


def test_many_pairs_of_metadata_do_not_keep_others_waiting(client: Client) -> None:
    """100,000 of them, which are compared with each other: in 10^10 steps nobody else could write for hours."""
    add, pipeline = pipelines_pb2.PipelinesAddMetadataRequest, client.pipeline(DEFINITION)
    pairs = {f"{number:x}": "" for number in range(100_000)}
    answer = accepted(client.pipelines.AddMetadata(add(pipeline_id=pipeline, metadata=pairs), timeout=60))
    assert len(answer.metadata) == 100_000
    code, _ = refusal(client.pipelines.AddMetadata(add(pipeline_id=pipeline, metadata={"FF": ""})))
    assert code == -0x1200


def operator(**keys: Any) -> dict[str, Any]:
    return {"name": "one", "container": {"image": "teller"}, "input": [{"path": "/input"}], **keys}


def definitions(outside: Path) -> dict[str, dict[str, Any]]:
    """Operators that name something of the machine, by what they name it with."""
    up = "../" * 12
    model = {"name": str(outside / "model")}
    return {
        "image": operator(container={"image": str(outside / "evil")}),
        "image, relative": operator(container={"image": f"{up}{outside / 'evil'}"}),
        "image, beside": operator(container={"image": "./evil"}),
        "image of the folder's name": operator(container={"image": "evil"}),
        "image with a tag": operator(container={"image": "evil", "tag": f"../{outside / 'evil'}"}),
        "image as a URI": operator(container={"image": f"file://{outside / 'evil'}"}),
        "import": operator() | {"import": {"path": str(outside / "part.yaml")}},
        "import alone": {"import": {"path": str(outside / "part.yaml")}},
        "import, relative": {"import": {"path": f"{up}{outside / 'part.yaml'}"}},
        "import, beside": {"import": {"path": "part.yaml"}},
        "import as a URI": {"import": {"path": f"file://{outside / 'part.yaml'}"}},
        "import of a file that is no YAML": {"import": {"path": "/etc/passwd"}},
        "import with NUL": {"import": {"path": "part.yaml\0"}},
        "model": operator(models=[model]),
        "model, relative": operator(models=[{"name": f"{up}{outside / 'model'}"}]),
        "model as a URI": operator(models=[{"name": f"file://{outside / 'model'}"}]),
        "service": operator(
            services=[
                {
                    "name": "s",
                    "container": {"image": str(outside / "evil")},
                    "connections": {"http": [{"name": "S", "port": 80}]},
                }
            ]
        ),
        "service's import": operator(services=[{"import": {"path": str(outside / "part.yaml")}}]),
        "service's volume": operator(
            services=[
                {
                    "name": "s",
                    "container": {"image": "evil"},
                    "connections": {"file": [{"name": "S", "path": str(outside)}]},
                }
            ]
        ),
    }


KINDS = list(definitions(Path("/")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_definition_finds_nothing_where_it_says(client: Client, server: Server, outside: Outside, kind: str) -> None:
    """Refused when it is created or when a job of it starts; the program outside never runs."""
    document = {"api-version": "0.4.0", "orchestrator": "Clara", "name": "hostile-pipeline"}
    content = json.dumps({**document, "operators": [definitions(outside.folder)[kind]]})
    for path in ("pipeline.json", str(outside.folder / "pipeline.json"), f"../..{outside.folder}/pipeline.json"):
        part = pipelines_pb2.PipelineDefinitionFile(path=path, content=content)
        (made,) = shown(client.pipelines.Create(iter([pipelines_pb2.PipelinesCreateRequest(definition=part)])))
        if made.header.code >= 0:
            shown(client.pipelines.Details(pipelines_pb2.PipelinesDetailsRequest(pipeline_id=made.pipeline_id)))
            job = client.job(made.pipeline_id).job_id
            (answer,) = shown(client.jobs.Start(jobs_pb2.JobsStartRequest(job_id=job)))
            assert answer.header.code == -0x2202, f"{kind} started"


def test_an_update_over_the_api_takes_a_pipeline_away_from_its_folder(
    client: Client, server: Server, outside: Outside
) -> None:
    """What the command line made of a folder finds programs beside it; what a client says afterwards does not."""
    definition = outside.folder.parent / "beside" / "pipeline.yaml"
    definition.parent.mkdir()
    (definition.parent / "beside").mkdir()
    (definition.parent / "beside" / "main.py").write_text("print('ran')\n")
    definition.write_text(ECHO)
    made = server.clara("create", "pipelines", "-p", definition).stdout.split()[1]
    part = pipelines_pb2.PipelineDefinitionFile(
        path=str(definition), content=ECHO.replace("image: echo", "image: beside")
    )
    update = pipelines_pb2.PipelinesUpdateRequest(pipeline_id={"value": made}, definition=part)
    accepted(client.pipelines.Update(iter([update])))
    job = client.job(Identifier(value=made)).job_id
    code, _ = refusal(client.jobs.Start(jobs_pb2.JobsStartRequest(job_id=job)))
    assert code == -0x2202


def test_paths_of_definition_files(client: Client, outside: Outside) -> None:
    """Labels, whatever they look like."""
    for path in names(outside):
        part = pipelines_pb2.PipelineDefinitionFile(path=path, content=ECHO)
        (made,) = shown(client.pipelines.Create(iter([pipelines_pb2.PipelinesCreateRequest(definition=part)])))
        if made.header.code >= 0:
            request = pipelines_pb2.PipelinesDetailsRequest(pipeline_id=made.pipeline_id)
            (found,) = shown(client.pipelines.Details(request))
            assert found.definition.content == ECHO
        else:
            assert made.header.code == -0x1100 and len(path) > 4096


def archive(*members: tuple[str, bytes, int]) -> bytes:
    """A zip file of (name, content, mode)."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writer:
        for name, content, mode in members:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.external_attr = mode << 16
            writer.writestr(info, content)
    return packed.getvalue()


FILE = stat.S_IFREG | 0o644
MODEL = (("config.pbtxt", b'platform: "tensorrt_plan"\n', FILE), ("1/model.plan", b"x", FILE))


def send_model(client: Client, name: str, content: bytes) -> Any:
    details = models_pb2.ModelDetails(name=name)
    return client.models.UploadModel(iter([models_pb2.ModelsUploadModelRequest(details=details, data=content)]))


def test_names_of_models(client: Client, server: Server, outside: Outside) -> None:
    for name in [*names(outside), "..", ".hidden", "a/b", ".unpacked"]:
        (answer,) = shown(send_model(client, name, archive(*MODEL)))
        assert answer.header.code >= 0 or answer.header.code in (-0x4300, -0x3100, -0x4400), answer.header
    folders = list((server.root / "repository" / "models").glob("*/*"))
    assert folders and all(path.is_dir() and not path.is_symlink() for path in folders)
    # A model is what was sent, not what lies elsewhere under that name.
    for found in client.models.ListModels(models_pb2.ModelsListModelsRequest()):
        for one in found.models:
            shown(client.models.DownloadModel(models_pb2.ModelsDownloadModelRequest(model_id=one.model_id)))


def test_names_in_archives_of_models(client: Client, server: Server, outside: Outside) -> None:
    secret = str(outside.folder / "secret.txt")
    for name in [secret, f"../../../..{secret}", f"1/../../../../..{secret}", "1/../../x", "a\nb", "1/" + "a" * 300]:
        (answer,) = shown(send_model(client, "hostile", archive(*MODEL, (name, b"written by a client", FILE))))
        if answer.header.code >= 0:  # "/x" is "x"
            files = (server.root / "repository" / "models").glob("*/hostile/**/*")
            assert any(path.read_bytes() == b"written by a client" for path in files if path.is_file())
    for mode in (stat.S_IFLNK | 0o777,):
        (answer,) = shown(send_model(client, "linked", archive(*MODEL, ("1/link", secret.encode(), mode))))
        assert answer.header.code < 0 and "link" in answer.header.messages[0]
    (answer,) = shown(send_model(client, "broken", b"PK\x03\x04" + os.urandom(500)))
    assert answer.header.code == -0x4300


def test_a_request_that_is_not_streamed_and_too_large(client: Client) -> None:
    header = RequestHeader(user_agent="x" * (5 << 20))
    code, text = refusal(client.payloads.Create(payloads_pb2.PayloadsCreateRequest(header=header)))
    assert code == -0x0002 and "4194304 bytes" in text


def test_a_call_without_a_request(server: Server, client: Client) -> None:
    with server.channel() as channel:
        call = channel.stream_unary("/nvidia.clara.platform.Jobs/Status")
        code, text = refusal(jobs_pb2.JobsStatusResponse.FromString(call(iter(()), timeout=30)))
        assert code == -0x0002 and "no request" in text


def test_the_monitor_of_nodes_is_not_served(server: Server) -> None:
    with server.channel() as channel, pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
        channel.unary_unary("/nvidia.clara.platform.node_monitor.Monitor/GpuMetrics")(b"", timeout=30)
