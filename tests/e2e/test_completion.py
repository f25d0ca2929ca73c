"""Tab in real shells: bash, zsh and fish with the scripts that `clara completion` prints."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import EXAMPLE, Clara, installed_command

Shell = Callable[..., subprocess.CompletedProcess[str]]
DEFINITION = EXAMPLE / "fastio-passthrough-dynamic-pipeline.yaml"
BASH = """
source <(clara completion bash)
complete -p clara >&2
try() {
    COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=${2:-9} COMPREPLY=()
    _clara_completion clara "" ""
    printf '%s\\n' "${COMPREPLY[@]}"
}
"""


@pytest.fixture
def job(clara: Clara, tmp_path: Path) -> str:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "scan.nii").write_text("")
    return clara.job(clara.pipeline(DEFINITION), tmp_path / "in", "my job")


@pytest.fixture
def bash(shell: Shell) -> Callable[..., list[str]]:
    """What the function that the script defines answers to a line before the cursor."""

    def complete(line: str, kind: int = 9) -> list[str]:
        done = shell(f"{BASH}\ntry {shlex.quote(line)} {kind}")
        assert "complete -o nosort -F _clara_completion clara" in done.stderr
        return [word for word in done.stdout.splitlines() if word]

    return complete


OPERATORS = ["nifti-to-fastio", "fastio-to-npz", "compare-original-to-output"]


def test_bash(bash: Callable[..., list[str]], clara: Clara, job: str) -> None:
    assert bash("clara li") == ["list"]
    assert {"image", "job", "payload", "pipeline"} <= set(bash("clara describe "))
    for line in (
        "describe job ",
        "describe jobs -j ",
        "describe job --job=",
        "logs ",
        "start job -j ",
        "wait ",
        "cancel -j ",
    ):
        assert bash(f"clara {line}") == [job], line
    assert bash(f"clara describe job {job[:6].upper()}") == [job]
    assert bash("clara describe job nothing") == []
    assert bash(f"clara logs -j {job} -o ") == OPERATORS
    assert bash(f"clara logs -j {job} --operator=fa") == ["fastio-to-npz"]
    assert bash(f"clara logs {job[:5]} -o n") == ["nifti-to-fastio"]
    assert bash("clara create job -i ") == ["low", "normal", "high", "immediate"]
    assert bash("clara create job --pri") == ["--priority"]
    assert bash("clara list jobs -o j") == ["json"]
    assert bash("clara --config x list job") == ["job"]
    (pipeline,) = clara("list", "pipelines", "-q").lines
    assert bash("clara create job -n x -p ") == [pipeline]
    assert bash("clara create pipelines -p ") == []  # left to the shell: files
    assert bash("clara create job --nam") == ["--name"]
    assert bash("clara 'unfinished") == []


def test_bash_colons_and_folders(bash: Callable[..., list[str]], clara: Clara, job: str) -> None:
    assert bash("clara download ") == [f"{job}:/"]
    # Bash replaces what follows the colon only.
    assert bash(f"clara download {job}:") == ["/input/", "/operators/"]
    assert bash(f"clara download {job}:/operators/") == [f"/operators/{name}/" for name in sorted(OPERATORS)]
    assert bash(f"clara download {job}:/operators/f") == ["/operators/fastio-to-npz/"]
    assert bash(f"clara download {job}:/input/") == ["/input/scan.nii"]
    assert bash(f"clara download {job}:/../") == []
    assert bash(f'clara download "{job}:/input/') == [f"{job}:/input/scan.nii"]


def test_bash_shows_names_beside_ids(bash: Callable[..., list[str]], clara: Clara, job: str) -> None:
    other = clara.job(clara("list", "pipelines", "-q").out.strip(), name="other")
    assert bash("clara describe job ") == [f"{other}  (other)", f"{job}  (my job)"]
    # 37: menu-complete, which would insert the names.
    assert bash("clara describe job ", 37) == [other, job]


def test_tab_makes_and_prints_nothing(bash: Callable[..., list[str]], shell: Shell, world: Path) -> None:
    assert bash("clara describe job ") == []
    assert not (world / "root").exists()
    (world / "root").mkdir()
    (world / "root" / "clara.db").write_text("no database")
    assert bash("clara describe job ") == []
    done = shell(f"{BASH}\ntry 'clara --config /none describe job '")
    assert "Error" not in done.stderr and "Traceback" not in done.stderr


def press_tab(argv: list[str], setup: str, line: str, until: str, **environment: str) -> str:
    """Type into a real interactive shell on a terminal, press Tab, and return what it shows then."""
    path = f"{Path(installed_command()).parent}:{os.environ['PATH']}"
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(argv[0], argv, {**os.environ, "PATH": path, "TERM": "dumb", "COLUMNS": "200", **environment})
    try:
        shown = ""

        def read_until(text: str, seconds: float = 30.0) -> None:
            nonlocal shown
            deadline = time.monotonic() + seconds
            while text not in shown:
                left = deadline - time.monotonic()
                assert left > 0 and select.select([terminal], [], [], left)[0], f"no {text!r} in {shown!r}"
                shown += os.read(terminal, 65536).decode("utf-8", "replace")

        os.write(terminal, f"{setup}; echo rea''dy\n".encode())
        read_until("ready\r\n")
        shown = ""
        os.write(terminal, f"{line}\t".encode())
        read_until(until)
        return shown
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


def test_tab_in_an_interactive_bash(job: str) -> None:
    setup = "PS1='> '; source <(clara completion bash)"
    argv = ["bash", "--norc", "--noprofile", "-i"]
    press_tab(argv, setup, f"clara describe job {job[:4]}", f"{job} ")
    press_tab(argv, setup, f"clara logs -j {job} -o fa", "fastio-to-npz ")
    shown = press_tab(argv, setup, f"clara download {job}:/operators/fa", "fastio-to-npz/")
    assert f"{job}:/operators/fastio-to-npz/" in shown.replace("\r", "")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_tab_in_an_interactive_zsh(job: str, clara: Clara, world: Path) -> None:
    setup = "autoload -U compinit && compinit -u -D; source <(clara completion zsh); unsetopt zle_bracketed_paste"
    argv = ["zsh", "-f", "-i"]
    press_tab(argv, setup, f"clara describe job {job[:4]}", job)
    press_tab(argv, setup, f"clara logs -j {job} -o fa", "fastio-to-npz")
    press_tab(argv, setup, f"clara download {job}:/operators/fa", f"{job}:/operators/fastio-to-npz/")
    other = clara.job(clara("list", "pipelines", "-q").out.strip(), name="another: job")
    shown = press_tab(argv, setup, "clara describe job ", "my job")
    assert re.search(rf"{other} +-- another: job", shown) and re.search(rf"{job} +-- my job", shown)


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish(shell: Shell, job: str) -> None:
    def complete(line: str) -> list[str]:
        program = f"clara completion fish | source; complete -C {shlex.quote(line)}"
        done = shell(f"fish --no-config -c {shlex.quote(program)}")
        assert done.stderr == ""
        return done.stdout.splitlines()

    assert complete("clara describe job ") == [f"{job}\tmy job"]
    assert complete(f"clara logs -j {job} -o fa") == ["fastio-to-npz\tpending"]
    assert complete(f"clara download {job}:/operators/fa") == [f"{job}:/operators/fastio-to-npz/"]
    assert complete("clara describe job --job=") == [f"--job={job}\tmy job"]
    assert [word.split("\t")[0] for word in complete("clara lis")] == ["list"]
    assert complete(f"clara create pipelines -p {EXAMPLE}/fastio-passthrough-d") == [str(DEFINITION)]


def test_scripts_are_data_for_files_too(clara: Clara) -> None:
    for shell in ("bash", "zsh", "fish"):
        answer = clara("completion", shell)
        assert "_CLARA_COMPLETE" in answer.out and answer.err == "" and "%(" not in answer.out
    assert 'unknown command "csh" for "clara completion"' in clara("completion", "csh", code=2).err


def test_completion_loads_little() -> None:
    program = "import sys\nfrom clara_cli.cli import main\nsys.argv = ['clara']\n"
    program += "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    environment = {**os.environ, "_CLARA_COMPLETE": "bash_complete", "CLARA_COMPLETE_LINE": "clara describe job "}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert not {"numpy", "rich", "jsonschema", "yaml"} & set(done.stderr.split())
