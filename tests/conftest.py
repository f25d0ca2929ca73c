"""Every test owns its world: a root and a home of its own, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

REPOSITORY = Path(__file__).parents[1]
EXAMPLE = REPOSITORY / "examples" / "fastio-passthrough"


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point everything that clara writes into the test's own folder, and forget the caller's settings."""
    for name in list(os.environ):
        if name.startswith(("CLARA_", "NVIDIA_CLARA_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CLARA_ROOT", str(tmp_path / "root"))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@dataclass(frozen=True)
class Answer:
    """What a command did: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Clara:
    """`clara("list", "jobs")` in this process, as a pytest suite of a user would call it."""

    def __call__(self, *words: object, code: int | None = 0) -> Answer:
        from clara_cli.cli import cli

        before = self._state()
        result = CliRunner().invoke(cli, [str(word) for word in words], prog_name="clara")
        answer = Answer(result.exit_code, result.stdout, result.stderr)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert self._state() == before, "the command left something changed in this process"
        if code is not None:
            assert answer.code == code, f"exit {answer.code}\n{answer.out}\n{answer.err}"
        assert "Traceback" not in answer.out + answer.err
        return answer

    def pipeline(self, definition: Path) -> str:
        """Create a pipeline; returns its id."""
        return self("create", "pipelines", "-p", definition).out.removeprefix("PIPELINE_ID: ").strip()

    def job(self, pipeline: str, files: Path | None = None, name: str = "job") -> str:
        """Create a job; returns its id."""
        more = [] if files is None else ["-f", files]
        return self("create", "jobs", "-n", name, "-p", pipeline, *more).lines[0].removeprefix("JOB_ID: ")

    def run(self, definition: Path, files: Path | None = None, code: int = 0) -> tuple[str, Answer]:
        """Create and start a job; returns its id and what `start` said."""
        job = self.job(self.pipeline(definition), files)
        return job, self("start", "job", "-j", job, code=code)

    @staticmethod
    def _state() -> tuple[object, ...]:
        handlers = tuple(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        threads = tuple(sorted(thread.name for thread in threading.enumerate()))
        return Path.cwd(), handlers, threads, len(os.listdir("/proc/self/fd"))


@pytest.fixture
def clara() -> Clara:
    return Clara()


@pytest.fixture
def installed() -> str:
    """The installed `clara` command of the environment that runs the tests."""
    command = Path(sys.executable).parent / "clara"
    assert command.exists(), "install the project first: pip install -e .[test]"
    return str(command)


@pytest.fixture
def shell(world: Path, installed: str) -> Iterator[object]:
    """Run text through a real bash in which `clara` is the installed command."""
    environment = {**os.environ, "PATH": f"{Path(installed).parent}:{os.environ['PATH']}"}

    def run(script: str, cwd: Path = world, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script],
            cwd=cwd,
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    yield run
