"""Every command on a platform on another machine: the same stdout to the byte, and the same exit status, as there."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from platform_support import Server, server_in
from support import installed_command, ordinary_user

from clara_cli.cli import cli

PIPELINE = """\
api-version: 0.4.0
orchestrator: Clara
name: parity-pipeline
parameters: {WORD: hello}
operators:
- name: copy
  container: {image: copy}
  variables: {WORD: "${{WORD}}"}
  input: [{path: /input}]
  output: [{path: /output}]
- name: count
  container: {image: count}
  input: [{from: copy, path: /input}]
  output: [{name: sums, path: /sums}]
"""
COPY = """\
import os, shutil, sys, time
source, target = (os.environ[name].split(":", 1)[1] for name in ("NVIDIA_CLARA_INPUTPATHS", "NVIDIA_CLARA_OUTPUTPATHS"))
print("the word is", os.environ.get("WORD"), flush=True)
shutil.copytree(source, target, dirs_exist_ok=True)
if os.path.exists(os.path.join(source, "wait")):
    print("waiting", flush=True)
    time.sleep(600)
if os.path.exists(os.path.join(source, "fail")):
    sys.exit("it fails, as it was told")
"""
COUNT = """\
import os
target = os.environ["NVIDIA_CLARA_OUTPUTPATHS"].split(":", 1)[1]
source = os.environ["NVIDIA_CLARA_INPUTPATHS"].split(":", 1)[1]
with open(os.path.join(target, "sum.csv"), "w") as file:
    file.write(f"{sum(len(names) for _, _, names in os.walk(source))}\\n")
print("counted")
"""


@dataclass(frozen=True)
class Place:
    """A server, what is on it, and files beside it."""

    server: Server
    names: dict[str, str]

    def bash(self, script: str, folder: Path, *, remote: bool) -> subprocess.CompletedProcess[str]:
        """Run a script in which `clara` works here, or on the same root through the server, from a bare client."""
        folder.mkdir()
        (folder / "home").mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CLARA_")}
        home = {"HOME": str(folder / "home")}
        if remote:
            home |= {"CLARA_ROOT": str(folder / "no-root")}
            clara = f'"{installed_command()}" --host {self.server.address} "$@"'
        else:
            home |= {"CLARA_ROOT": str(self.server.root)}
            clara = f'"{installed_command()}" "$@"'
        done = subprocess.run(
            ["bash", "-c", f"clara() {{ {clara}; }}\n{script}"],
            cwd=folder,
            env={**environment, **home, **self.names},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            preexec_fn=ordinary_user,
        )
        assert not (folder / "no-root").exists(), "a root was made on the client"
        assert "Traceback" not in done.stderr and "clara itself failed" not in done.stderr, done.stderr
        return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("parity")
    data = folder / "data"
    (data / "deep" / "er").mkdir(parents=True)
    (data / "one.txt").write_text("one\n")
    (data / "empty").write_text("")
    (data / "deep" / "er" / "tool.sh").write_text("#!/bin/sh\n")
    (data / "deep" / "er" / "tool.sh").chmod(0o755)
    (data / "deep" / "ünï.bin").write_bytes(bytes(range(256)) * 9000)
    model = folder / "segment" / "1"
    model.mkdir(parents=True)
    (model / "model.pt").write_text("weights")
    (folder / "segment" / "config.pbtxt").write_text('name: "segment"\n')
    (folder / "pipeline.yaml").write_text(PIPELINE)
    with server_in(folder / "server") as server:
        server.program("copy", COPY)
        server.program("count", COUNT)
        pipeline = server.clara("create", "pipeline", "-q", "-p", folder / "pipeline.yaml").stdout.strip()
        job = ("create", "job", "-q", "-p", pipeline, "--metadata", "z=1", "--metadata", "a=ü")
        done, failing, pending = (
            server.clara(*job, "-n", name, "-f", data).stdout.strip() for name in ("done", "failing", "pending")
        )
        (folder / "fail").write_text("")
        server.clara("upload", "-p", failing, folder / "fail")
        server.clara("start", "job", "-j", done, "--set", "WORD=bye")
        server.clara("start", "job", "-j", failing, code=1)
        payload = server.clara("create", "payload", "-q", "-f", data, "--metadata", "b=2", "--metadata", "a=1").stdout
        server.clara("create", "model", "-p", folder / "segment", "-t", "pytorch")
        names = {
            **{"DATA": str(data), "FOLDER": str(folder), "PIPELINE": pipeline, "PAYLOAD": payload.strip()},
            **{"JOB": done, "FAILED": failing, "PENDING": pending},
        }
        yield Place(server, names)


NEW = 'JOB=$(clara create job -q -n new -p $PIPELINE -f "$DATA")\n'
DONE = NEW + "clara start job -q -j $JOB\n"
# Command → scripts that use it. Ids of what a script makes are not compared, those of what is there are.
SCRIPTS: dict[str, list[str]] = {
    "create pipeline": [
        'clara create pipeline -p "$FOLDER/pipeline.yaml"',
        'clara create pipelines -q -p "$FOLDER/pipeline.yaml"',
        'clara create pipeline -p "$FOLDER/none.yaml"',
        "echo 'name: x' > wrong.yaml; clara create pipeline -p wrong.yaml",
        r"mkdir d; printf 'operators:\n- import: {path: o.yaml}\nname: i\napi-version: 0.5.0\norchestrator: Clara\n' "
        "> d/p.yaml; clara create pipeline -p d",
    ],
    "create job": [
        'clara create job -n new -p $PIPELINE -f "$DATA"',
        'clara create job -n new -p ${PIPELINE:0:12} -f "$DATA/one.txt" -i high --metadata a=b; echo $?',
        "clara create jobs -n bare -p $PIPELINE",
        "clara create job -n new -p $PIPELINE --input-payload $PAYLOAD",
        'clara create job -n new -p $PIPELINE --input-payload ${PAYLOAD:0:9} -f "$DATA"',
        'clara create job -n new -p $PIPELINE -f "$DATA" --start',
        'clara create job -n new -p $PIPELINE -f "$DATA" --start --detach\n'
        "clara wait -q $(clara list jobs -q | head -n 1)",
        "clara create job -n new -p ffffffffffffffffffffffffffffffff",
        "clara create job -n new -p $PIPELINE -f none",
        "clara create job -n new -p $PIPELINE --metadata nothing",
        "clara create job -p $PIPELINE",
    ],
    "create payload": [
        'clara create payload -f "$DATA" --metadata k=v',
        "clara create payloads",
        "clara create payload -f none",
    ],
    "create model": [
        'cp -r "$FOLDER/segment" seg-$RANDOM; clara create model -p seg-*',
        'cp -r "$FOLDER/segment" other; rm other/config.pbtxt; clara create model --raw -t pytorch -p other',
        'clara create model -p "$DATA"',
    ],
    "run": [
        'clara run "$FOLDER/pipeline.yaml" -f "$DATA" -o results --set WORD=x; cd results && find . -type f | sort',
        'clara run "$FOLDER/pipeline.yaml" -f "$DATA" -o r --only count -n named; cat r/count/sums/sum.csv',
        'clara run "$FOLDER/pipeline.yaml" -f "$FOLDER/fail" -o r; echo $?; ls',
        "clara run none.yaml",
    ],
    "start job": [
        NEW + "clara start job -j $JOB; echo $?; clara start job -j $JOB",
        NEW + "clara start job -j $JOB --detach; clara wait -q $JOB",
        NEW + "clara start job -j ${JOB:0:14} --set WORD=set; clara describe job -j $JOB | tail -2",
        NEW + "clara start job -j $JOB --set NO_SUCH=1",
        NEW + 'clara upload -q -p $JOB "$FOLDER/fail"; clara start job -j $JOB',
        NEW + "FIRST=$JOB\n" + NEW + "clara start jobs $FIRST $JOB; echo $?",
        NEW + "FIRST=$JOB\n" + NEW + "clara start jobs $FIRST $JOB --detach; echo $?; clara wait -q $FIRST $JOB",
        "clara start job -j $FAILED --resume",
        "clara start job -j $JOB --from count",
        DONE + NEW + "clara start job -j $JOB --reuse",
        "clara start job -j ffff",
        "clara start job",
    ],
    "cancel": [
        "clara cancel job -j $JOB",
        NEW + "clara cancel -j $JOB --reason why; clara describe job $JOB | grep -c 'cancelled: why'",
        "touch wait; JOB=$(clara create job -q -n w -p $PIPELINE -f wait); clara start job -q --detach -j $JOB\n"
        "until clara logs -j $JOB -o copy | grep -q waiting; do sleep 0.2; done; clara cancel $JOB; echo $?",
        "clara cancel -j ffff",
    ],
    "wait": [
        "clara wait $JOB $FAILED; echo $?",
        "clara wait --timeout 0.2 $PENDING",
        "clara wait none",
        NEW + "(sleep 1; clara cancel -q $JOB) & clara wait $JOB; echo $?",
    ],
    "validate pipeline": [
        'clara validate pipeline -p "$FOLDER/pipeline.yaml"',
        "echo 'name: x' > wrong.yaml; clara validate pipelines -o json -p wrong.yaml",
    ],
    "list pipeline": ["clara list pipelines", "clara list pipeline -q", "clara list pipelines -o json"],
    "list job": ["clara list jobs", "clara list jobs -q", "clara list jobs -o json", "clara list jobs -o yaml"],
    "list image": ["clara list images", "clara list images -q", "clara list images -o json"],
    "list payload": ["clara list payloads", "clara list payloads -q", "clara list payloads -o json"],
    "list model": ["clara list models", "clara list models -q", "clara list models -o json"],
    "describe pipeline": [
        "clara describe pipeline -p $PIPELINE",
        "clara describe pipeline ${PIPELINE:0:10} -o json",
        "clara describe pipeline -q $PIPELINE",
        "clara describe pipeline ffff",
        "clara describe pipeline",
    ],
    "describe job": [
        "clara describe job -j $JOB; clara describe job -j $FAILED; clara describe job -j $PENDING",
        "clara describe job -j $JOB -o json; clara describe job -j $FAILED -o yaml",
        "clara describe job -j $JOB --verbose",
        "clara describe job -j $JOB --verbose -o json",
        "clara describe job -q ${JOB:0:10}",
        "clara describe job -j none",
    ],
    "describe payload": [
        "clara describe payload -p $PAYLOAD; clara describe payload $JOB",
        "clara describe payload -o json $PAYLOAD",
        "clara describe payload -q ${PAYLOAD:0:10}",
        "clara describe payload ffff",
    ],
    "describe image": [
        "clara describe image -n copy",
        "clara describe image copy -o json; clara describe image -q count",
        "clara describe image none",
    ],
    "logs": [
        "clara logs -j $JOB",
        "clara logs -j ${JOB:0:9} -o copy",
        "clara logs job $JOB -o copy -o count --tail 1",
        "clara logs -j $FAILED -o copy --follow",
        "clara logs -j $FAILED --follow --since 1h",
        "clara logs -j $PENDING; clara logs -j $PENDING -o copy",
        "clara logs -j $JOB -o nobody",
        NEW + "clara start -q job --detach -j $JOB; clara logs -f -j $JOB",
    ],
    "upload": [
        NEW + 'clara upload -p $JOB "$FOLDER/fail" "$DATA" --to more; clara describe payload $JOB | tail -n +9',
        NEW + 'clara upload -p $JOB "$DATA" --no-clobber; clara upload -q -p $JOB "$DATA"',
        'clara upload -p $JOB "$DATA"',
        "clara upload -p $PAYLOAD none",
        'P=$(clara create payload -q); clara upload -p $P "$DATA"; clara describe payload $P | tail -n +8',
    ],
    "download": [
        "clara download $JOB:/operators/copy/'*' out; find out -type f -printf '%P %m %s\\n' | sort",
        "clara download ${JOB:0:11}:/operators/count/sums/sum.csv sum; cat sum",
        'clara download $PAYLOAD:/deep/ here; find here -type f | sort; cmp here/*.bin "$DATA"/deep/*.bin',
        "clara download $JOB:/operators/copy/'**/*.sh' out/; find out -type f | sort; test -x out/deep/er/tool.sh",
        "clara download $JOB:/operators out; find out -type f | sort",
        "clara download $JOB:/OPERATORS/Copy/one.txt .; cat one.txt",
        "clara download $JOB:/operators/none/'*' out; ls",
        "clara download $JOB:/input/none out; clara download $JOB:/../x out; clara download $JOB out; ls",
        "touch one.txt; clara download --no-clobber $JOB:/input/one.txt .",
        "touch file; clara download $JOB:/input/'*' file",
        "clara download ffff:/input/'*' out",
    ],
    "delete job": [
        NEW + "clara delete job -j $JOB; clara describe job -j $JOB",
        DONE + "clara delete jobs --keep-payload $JOB",
        DONE + "clara delete jobs ffff $JOB; clara describe job -q $JOB",
        "clara delete job",
    ],
    "delete pipeline": [
        'P=$(clara create pipeline -q -p "$FOLDER/pipeline.yaml"); clara delete pipeline $P; clara delete pipeline $P',
        "clara delete pipelines ffff",
    ],
    "delete payload": [
        'P=$(clara create payload -q -f "$DATA"); clara delete payloads $P; clara delete payload $P',
        NEW + "clara delete payload $JOB",
        DONE + "P=$(clara describe payload -q $JOB); clara delete payload $P; clara download $JOB:/input/'*' out",
    ],
    "delete model": [
        'cp -r "$FOLDER/segment" del; rm del/config.pbtxt; M=$(clara create model --raw -p del)\n'
        "clara delete models $M",
        "clara delete model ffff",
    ],
    "delete image": ["clara delete image none", "clara delete image"],
    "clean": [
        "clara clean --dry-run --older-than 1000d",
        DONE + "sleep 0.2; clara clean -y --older-than 0.1s --failed-older-than 1000d | tail -n 1 | wc -w",
        "clara clean",
        "clara clean --older-than x",
    ],
    "version": ["clara version"],
    "help": ["clara help create job", "clara help"],
    "completion": ["clara completion bash"],
    "pull": ["clara pull platform -y", "ls -A ~/.clara"],
    **{f"{name} start": [f"clara {name} start -y", f"clara {name} stop"] for name in ("dicom", "render", "monitor")},
}
# What is about this machine, whichever platform is meant.
HERE = ["config", "dicom", "render", "monitor", "results", "pull", "completion"]
# What can be done only where jobs run.
REFUSED = {
    "create image": 'clara create image -n x -p "$FOLDER"',
    "doctor": "clara doctor",
    "platform start": "clara platform start",
    "platform stop": "clara platform stop",
    "platform restart": "clara platform restart",
    "platform status": "clara platform status",
    "console start": "clara console start",
    "console stop": "clara console stop",
    "console status": "clara console status",
}


def commands(group: click.Group, above: str = "") -> Iterator[str]:
    """All commands that do something, by their words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}"


def test_no_command_is_forgotten() -> None:
    known = {*SCRIPTS, *REFUSED, "platform version", "console version", "console restart"}
    assert {name for name in commands(cli) if name.split()[0] not in HERE} <= known


def masked(text: str, names: dict[str, str]) -> str:
    """What scripts print, without the ids of what they made."""
    kept = set(names.values())
    return re.sub(r"\b[0-9a-f]{32}\b", lambda found: found[0] if found[0] in kept else "<id>", text)


MADE = re.compile(r"create|start|run|NEW|cancel|upload|delete|clean|again")


@pytest.mark.parametrize(
    ("name", "script"), [(name, script) for name, scripts in SCRIPTS.items() for script in scripts]
)
def test_the_same_as_on_the_machine_itself(place: Place, tmp_path: Path, name: str, script: str) -> None:
    remote = place.bash(script, tmp_path / "there", remote=True)
    local = place.bash(script, tmp_path / "here", remote=False)
    told = f"here:\n{local.stdout}\n{local.stderr}\nthere:\n{remote.stdout}\n{remote.stderr}"
    if MADE.search(script):
        assert masked(remote.stdout, place.names) == masked(local.stdout, place.names), told
    else:
        assert remote.stdout == local.stdout, told
    assert remote.returncode == local.returncode, told
    assert ("Error:" in remote.stderr) == ("Error:" in local.stderr), told


@pytest.mark.parametrize("script", REFUSED.values())
def test_what_can_be_done_only_there_is_refused(place: Place, tmp_path: Path, script: str) -> None:
    done = place.bash(script, tmp_path / "there", remote=True)
    assert (done.returncode, done.stdout) == (1, "")
    (error, hint) = done.stderr.splitlines()
    command = " ".join(itertools.takewhile(str.isalpha, script.split()))
    assert error.startswith(f"Error: {command} works") and place.server.address in error
    assert "works on the machine of the platform only" in error and "call it there" in hint
