"""Time limits: of a definition and of the configuration, for jobs and for operators."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import Clara, Project, pipeline_of, processes_of, stored_job

from clara_cli.ids import new_id
from clara_cli.images.program import read_program
from clara_cli.payloads.tree import PayloadTree
from clara_cli.pipelines.model import FastIOType, Input, Operator, Output
from clara_cli.runtime.capacity import Machine
from clara_cli.runtime.environment import passed_on
from clara_cli.runtime.limits import Limits
from clara_cli.runtime.listener import Silent
from clara_cli.runtime.plan import JobPlan
from clara_cli.runtime.runner import Runner
from clara_cli.runtime.stop import StopRequest

SLEEP = "import time\ntime.sleep(600)\n"


@pytest.mark.parametrize("where", ["definition", "configuration"])
@pytest.mark.parametrize("whose", ["job", "operator"])
def test_what_takes_too_long_is_terminated(clara: Clara, project: Project, whose: str, where: str) -> None:
    project.operator("a", SLEEP)
    limit = 1 if where == "definition" else None
    operator = Operator("a", "a", timeout=limit if whose == "operator" else None)
    if where == "configuration":
        project.configure("timeout: 1\n" if whose == "job" else "operator_timeout: 1\n")
    job = stored_job(pipeline_of(operator, timeout=limit if whose == "job" else None), project.folder)
    started = clara("start", "job", "-j", job, code=1)
    text = f"{'the job' if whose == 'job' else 'operator a'} took longer than its time limit of 1 s"
    assert f"Error: {text}\n" in started.err
    assert "JOB_STATUS_TERMINATED" in started.err
    described = clara("describe", "job", "-j", job).lines
    assert described[5:7] == ["STATUS: JOB_STATUS_TERMINATED", "STATE: JOB_STATE_STOPPED"]
    assert "JOB_OPERATOR_STATUS_FAULTED" in described[14]
    assert described[-1].endswith(f"error: {text}")
    assert processes_of(job) == []


def test_the_definition_counts_more_than_the_configuration(clara: Clara, project: Project) -> None:
    project.operator("a", "import time\ntime.sleep(0.4)")
    project.configure("timeout: 0.1\noperator_timeout: 0.1\n")
    clara("start", "job", "-j", stored_job(pipeline_of(Operator("a", "a", timeout=60), timeout=60), project.folder))


def test_an_operator_is_timed_from_its_execute_and_not_while_it_waits(clara: Clara, project: Project) -> None:
    kind = FastIOType("uint8", (1,))
    project.operator("slow", "import time\ntime.sleep(1.2)")
    project.driver("waiting", "payload.fastio_output_entries['v'].array[:] = 1")
    waiting = Operator(
        "waiting", "waiting", inputs=(Input("slow", "", "/in"),), outputs=(Output("v", fastio=kind),), timeout=1
    )
    slow = Operator("slow", "slow", outputs=(Output("", "/out"),))
    clara("start", "job", "-j", stored_job(pipeline_of(slow, waiting), project.folder))


STUBBORN = """
import os, signal, subprocess, sys, time
def told(number, frame):
    open(sys.argv[1], "a").write(sys.argv[2] + "\\n")
    if sys.argv[2] != "parent":
        sys.exit(0)
signal.signal(signal.SIGTERM, told)
if sys.argv[2] == "parent":
    subprocess.Popen([sys.executable, __file__, sys.argv[1], "own-session"], start_new_session=True)
    subprocess.Popen([sys.executable, __file__, sys.argv[1], "child"])
while True:
    time.sleep(0.05)
"""


def test_the_whole_tree_is_asked_and_then_killed(project: Project, tmp_path: Path) -> None:
    program = read_program(project.operator("a", STUBBORN))
    operator = Operator("a", "a", command=(str(tmp_path / "told"), "parent"), timeout=2)
    job = new_id()
    plan = JobPlan(
        *(job, "job", pipeline_of(operator), {"a": program}),
        *(PayloadTree(tmp_path / "payload"), tmp_path / "job", passed_on()),
        machine=Machine(1, 100),
        limits=Limits(grace=1.0),
    )
    stop = StopRequest()
    result = Runner(plan, Silent(), stop).run()
    stop.close()
    assert result.terminated == "operator a took longer than its time limit of 2 s"
    assert result.failures == () and not result.succeeded
    assert sorted((tmp_path / "told").read_text().split()) == ["child", "own-session", "parent"]
    assert processes_of(job) == []
