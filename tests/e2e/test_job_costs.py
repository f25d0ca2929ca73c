"""What a job may take: processes, transactions, modules. A number that grows here is time for everybody."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support import Clara, Project

from clara_cli.database import Database
from clara_cli.runtime import early_start
from clara_cli.runtime.fork_server import ForkServer
from clara_cli.runtime.mounts import find_mounts

NOOP = "import clara, numpy\ndriver = clara.Driver()\ndriver.start()\ndriver.wait_for_completion()\n"
CHAIN = """
- name: a
  container: {image: a}
  output: [{name: token, type: array, element-type: uint8, shape: [1]}]
- name: b
  container: {image: a}
  input: [{from: a, name: token, type: array, element-type: uint8, shape: [1]}]
  output: [{name: token, type: array, element-type: uint8, shape: [1]}]
- name: c
  container: {image: a}
  input: [{from: b, name: token, type: array, element-type: uint8, shape: [1]}]
"""
TRUE = "".join(f"- {{name: {name}, container: {{image: busybox, command: ['true']}}}}\n" for name in "abc")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often something was done since."""
    counts: Counter[str] = Counter()
    start, fork, write = subprocess.Popen.__init__, ForkServer.fork, Database.write

    def starting(self: Any, *args: Any, **kwargs: Any) -> None:
        counts["started"] += 1
        start(self, *args, **kwargs)

    def forking(self: ForkServer, *args: Any) -> bool:
        counts["forked"] += 1
        return fork(self, *args)

    @contextmanager
    def writing(self: Database) -> Iterator[Any]:
        counts["written"] += 1
        with write(self) as connection:
            yield connection

    monkeypatch.setattr(subprocess.Popen, "__init__", starting)
    monkeypatch.setattr(ForkServer, "fork", forking)
    monkeypatch.setattr(Database, "write", writing)
    return counts


def test_three_operators_in_python(clara: Clara, project: Project, way: str, counted: Counter[str]) -> None:
    project.operator("a", NOOP)
    pipeline = clara.pipeline(project.definition(CHAIN))
    for _ in range(2):  # the first start tries whether mounts work
        job = clara.job(pipeline)
        counted.clear()
        clara("start", "job", "-j", job)
    # The fork server, and with mounts a bubblewrap for each.
    assert (counted["started"], counted["forked"]) == (4 if way == "mounts" else 1, 3)
    assert counted["written"] <= 13


def test_three_programs(clara: Clara, project: Project, way: str, counted: Counter[str]) -> None:
    pipeline = clara.pipeline(project.definition(TRUE))
    for _ in range(2):
        job = clara.job(pipeline)
        counted.clear()
        clara("start", "job", "-j", job)
    assert (counted["started"], counted["forked"]) == (3, 0)
    assert counted["written"] <= 16


def test_jobs_of_one_command_share_a_fork_server(clara: Clara, project: Project, counted: Counter[str]) -> None:
    project.operator("a", NOOP)
    pipeline = clara.pipeline(project.definition("- {name: a, container: {image: a}}"))
    clara("start", "job", "-j", clara.job(pipeline))
    jobs = [clara.job(pipeline) for _ in range(5)]
    counted.clear()
    clara("start", "jobs", "-j", " ".join(jobs))
    assert counted["forked"] == 5
    assert counted["started"] == 1 + 5 * bool(find_mounts().command)
    assert counted["written"] <= 5 * 9


def loaded(statements: str) -> set[str]:
    """The modules that are there after some statements, and were not before."""
    program = f"import sys\nbefore = set(sys.modules)\n{statements}\nprint(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_starting_loads_nothing_that_most_jobs_do_not_need() -> None:
    found = loaded("import clara_cli.cli, clara_cli.commands.start")
    unwanted = {
        *("numpy", "rich", "yaml", "jsonschema", "hashlib", "ctypes", "graphlib", "clara_cli.jobs.rerun"),
        *("clara_cli.images.dockerfile", "clara_cli.images.bare", "clara_cli.images.environments"),
        *("clara_cli.images.requirements", "clara_cli.models.store", "clara_cli.runtime.service_plan"),
        *("clara_cli.payloads.share", "clara_cli.jobs.clean", "clara_cli.pipelines.load"),
    }
    assert not found & unwanted
    assert sum(name.startswith("clara_cli") for name in found) <= 105


def test_the_fork_server_is_started_before_anything_else_is_loaded() -> None:
    found = loaded("import clara_cli.runtime.fork_server")
    own = {"clara_cli", "clara_cli.runtime", "clara_cli.runtime.fork_server", "clara_cli.runtime.passed_on"}
    assert found - own <= {"_socket", "collections.abc", "__future__"}


def test_a_fork_server_is_begun_early_only_where_it_is_likely_to_be_needed(clara: Clara, project: Project) -> None:
    def begun() -> bool:
        early_start.begin_early(["start", "job"])
        server = early_start._early.pop() if early_start._early else None
        if server is not None:
            server.close()
        return server is not None

    assert begun()
    clara.run(project.definition(TRUE))
    assert not begun()
    project.operator("a", NOOP)
    clara.run(project.definition(CHAIN))
    assert begun()
