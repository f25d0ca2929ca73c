"""A console for tests: a real one, with a root and a home of its own, and real jobs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from support import installed_command, ordinary_user, wait_until

from clara_cli.console.process import CONSOLE
from clara_cli.database import Database
from clara_cli.jobs import store
from clara_cli.jobs.model import Job
from clara_cli.root import Root

ECHO = """\
api-version: 0.4.0
orchestrator: Clara
name: {name}
operators:
- name: reader
  container: {{image: reader}}
  input: [{{path: /input}}]
  output: [{{path: /output}}]
- name: writer
  container: {{image: writer}}
  input: [{{from: reader, path: /input}}]
  output: [{{path: /output}}]
"""
QUICK = "import os\nprint('it is done')\n"


@dataclass
class Console:
    """A console in the background; `port` is 0 until it was started."""

    folder: Path
    port: int = 0

    @property
    def root(self) -> Root:
        return Root(self.folder / "root")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def clara(self, *words: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the installed command beside the console."""
        done = subprocess.run(
            [installed_command(), *map(str, words)],
            env={**os.environ, "HOME": str(self.folder), "CLARA_ROOT": str(self.root.path), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            preexec_fn=ordinary_user,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *words: object) -> None:
        out = self.clara("console", "start", "--port", self.port, *words).stdout
        (line,) = (line for line in out.splitlines() if line.startswith("ADDRESS: "))
        self.port = int(line.rpartition(":")[2])

    def stop(self) -> None:
        self.clara("console", "stop")

    def log(self) -> str:
        return CONSOLE.log_file(self.root).read_text()

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Ask as a browser would."""
        headers = {"accept": "text/html", **more.pop("headers", {})}
        return httpx.get(f"{self.address}{path}", headers=headers, timeout=30, **more)

    def form_token(self) -> str:
        found = re.search(r'name="clara-form" content="(\w+)"', self.get("/jobs").text)
        assert found is not None
        return found[1]

    def post(self, path: str, data: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send a form of the console's own pages."""
        fields = {"form_token": self.form_token(), **(data or {})}
        return httpx.post(f"{self.address}{path}", data=fields, timeout=60, **more)

    def pipeline(self, name: str, reader: str = QUICK, writer: str = QUICK, definition: str = ECHO) -> str:
        """A pipeline of two operators; returns its id."""
        folder = self.folder / "pipelines" / name.replace("/", "_")
        for image, program in (("reader", reader), ("writer", writer)):
            (folder / image).mkdir(parents=True, exist_ok=True)
            (folder / image / "main.py").write_text(textwrap.dedent(program))
        (folder / "pipeline.yaml").write_text(definition.format(name=name))
        out = self.clara("create", "pipelines", "-p", folder / "pipeline.yaml").stdout
        return out.removeprefix("PIPELINE_ID: ").strip()

    def job(self, pipeline: str, name: str = "job", files: Path | None = None, *, start: bool = False) -> str:
        """A job; returns its id."""
        more = [] if files is None else ["-f", files]
        out = self.clara("create", "jobs", "-n", name, "-p", pipeline, *more).stdout
        job = out.splitlines()[0].removeprefix("JOB_ID: ")
        if start:
            self.clara("start", "job", "-j", job, "--detach")
        return job

    def record(self, job: str) -> Job:
        with Database(self.root) as database, database.read() as connection:
            return store.get_job(connection, job)

    def ended(self, job: str) -> Job:
        """The record of a job, once it has stopped."""
        wait_until(lambda: self.record(job).state.value == "STOPPED", "the end of the job", 60)
        return self.record(job)


@contextmanager
def console_in(folder: Path, *words: object) -> Iterator[Console]:
    """A console that ends with the block, whose log holds no stack of a bug."""
    console = Console(folder)
    folder.mkdir(exist_ok=True)
    console.start(*words)
    try:
        yield console
    finally:
        console.stop()
    assert "Traceback" not in console.log(), console.log()


def find_chromium() -> str | None:
    """The machine's own browser."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


def many_jobs(console: Console, pipeline: str, count: int, named: Callable[[int], str]) -> None:
    """Records of jobs, without their files: what the list shows."""
    with Database(console.root) as database, database.write() as connection:
        definition, folder = connection.execute(
            "SELECT definition, folder FROM pipelines WHERE id = ?", (pipeline,)
        ).fetchone()
        connection.executemany(
            "INSERT INTO jobs (id, payload_id, pipeline_id, name, state, status, priority, created, folder, definition)"
            " VALUES (?, ?, ?, ?, 'PENDING', 'HEALTHY', ?, ?, ?, ?)",
            [
                (
                    f"{number:032x}",
                    f"{number + (1 << 64):032x}",
                    pipeline,
                    named(number),
                    ("NORMAL", "HIGHER")[number % 100 == 0],
                    1_700_000_000.0 + number,
                    folder,
                    definition,
                )
                for number in range(1, count + 1)
            ],
        )
