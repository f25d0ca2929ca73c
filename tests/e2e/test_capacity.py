"""Jobs on machines of a given size: what runs at the same time, and which GPUs are whose."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import Project, pipeline_of

from clara_cli.ids import new_id
from clara_cli.images.program import read_program
from clara_cli.payloads.tree import PayloadTree
from clara_cli.pipelines.model import FastIOType, Input, Operator, Output, Pipeline, Requests
from clara_cli.runtime.capacity import Machine, need
from clara_cli.runtime.environment import passed_on
from clara_cli.runtime.listener import Silent
from clara_cli.runtime.plan import JobPlan, JobResult
from clara_cli.runtime.runner import Runner
from clara_cli.runtime.stop import StopRequest

MARK = """
import os, time
def mark(what):
    log = os.open(os.environ["MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    devices = os.environ.get("CUDA_VISIBLE_DEVICES", "unset")
    os.write(log, f"{what} {os.environ['NVIDIA_CLARA_STAGENAME']} {devices}\\n".encode())
"""
PLAIN = MARK + "mark('begin')\ntime.sleep(0.03)\nmark('end')\n"
DRIVER = (
    MARK
    + """
import clara
def execute(driver, payload):
    mark('begin')
    time.sleep(0.05)
    mark('end')
driver = clara.Driver(prepare_handler=lambda driver: mark('prepare'), execute_handler=execute)
driver.start()
driver.wait_for_completion()
"""
)


class Messages(Silent):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def message(self, severity: str, text: str) -> None:
        if "left its output" not in text:
            self.texts.append(f"{severity}: {text}")


def run(folder: Path, pipeline: Pipeline, machine: Machine, drivers: set[str]) -> tuple[list[list[str]], list[str]]:
    """Run operators that mark when they begin and end; returns the marks and what was said."""
    for name, text in (("plain", PLAIN), ("driver", DRIVER)):
        (folder / name).mkdir()
        (folder / name / "main.py").write_text(text)
    programs = {
        operator.name: read_program(folder / ("driver" if operator.name in drivers else "plain"), uses_driver=True)
        if operator.name in drivers
        else read_program(folder / "plain")
        for operator in pipeline.operators
    }
    environment = {**passed_on(), "MARKS": str(folder / "marks")}
    tree = PayloadTree(folder / "payload")
    plan = JobPlan(new_id(), "job", pipeline, programs, tree, folder / "job", environment, machine)
    tree.input.mkdir(parents=True)
    listener, stop = Messages(), StopRequest()
    try:
        result = Runner(plan, listener, stop).run()
    finally:
        stop.close()
    assert result == JobResult(), [failure.log.read_text() for failure in result.failures]
    return [line.split() for line in (folder / "marks").read_text().splitlines()], listener.texts


def operator(name: str, *sources: str, requests: Requests | None = None) -> Operator:
    inputs = tuple(Input(source, "", f"/in/{source}") for source in sources)
    return Operator(name, name, inputs=inputs, outputs=(Output("", "/out"),), requests=requests or Requests())


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    operators = []
    for place in range(draw(st.integers(2, 7))):
        sources = draw(st.sets(st.integers(0, place - 1), max_size=2)) if place else set()
        requests = Requests(draw(st.none() | st.integers(1, 3)), None, draw(st.none() | st.sampled_from([40, 60])))
        operators.append(operator(f"o{place}", *(f"o{source}" for source in sorted(sources)), requests=requests))
    return pipeline_of(*draw(st.permutations(operators)))


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(pipelines(), st.data())
def test_random_graphs_run_each_operator_once_within_the_machine(pipeline: Pipeline, data: st.DataObject) -> None:
    machine = Machine(2, 100)
    drivers = {item.name for item in pipeline.operators if data.draw(st.booleans())}
    with tempfile.TemporaryDirectory() as folder:
        marks, _ = run(Path(folder), pipeline, machine, drivers)
    executing: set[str] = set()
    ended: set[str] = set()
    for what, name, _ in (mark for mark in marks if mark[0] != "prepare"):
        if what == "begin":
            assert name not in executing | ended
            assert pipeline.operator(name).sources <= ended
            executing.add(name)
            needs = [need(pipeline.operator(item).requests, machine) for item in executing]
            assert sum(item.cpus for item in needs) <= machine.cpus
            assert sum(item.memory for item in needs) <= machine.memory
        else:
            executing.remove(name)
            ended.add(name)
    assert ended == {item.name for item in pipeline.operators}


def test_early_starters_prepare_at_once_and_execute_one_by_one(tmp_path: Path) -> None:
    names = {"a", "b", "c"}
    marks, _ = run(tmp_path, pipeline_of(*map(operator, sorted(names))), Machine(1, 100), names)
    order = [mark[:2] for mark in marks if mark[0] != "prepare"]
    assert order == [[what, name] for name in "abc" for what in ("begin", "end")]


def test_gpus_are_kept_apart_and_given_only_to_who_asks(tmp_path: Path) -> None:
    wish = Requests(gpu=1)
    asking = [operator(name, requests=wish) for name in "abc"]
    marks, said = run(tmp_path, pipeline_of(*asking, operator("d")), Machine(8, 100, ("0", "GPU-7")), {"b", "d"})
    begins = {name: devices for what, name, *devices in marks if what == "begin"}
    assert begins["a"] == ["0"] and begins["b"] == ["GPU-7"] and begins["c"] in (["0"], ["GPU-7"])
    assert begins["d"] == []
    assert said == []
    held: set[str] = set()
    for what, _, *devices in marks:
        if what == "begin":
            assert not held & set(devices)
            held |= set(devices)
        elif what == "end":
            held -= set(devices)


def test_more_than_there_is_runs_alone_and_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    large = operator("large", requests=Requests(cpu=64, gpu=1, memory=1000))
    marks, said = run(tmp_path, pipeline_of(operator("a"), large, operator("b")), Machine(4, 100), set())
    assert [mark for mark in marks if mark[1] == "large"] == [["begin", "large", "unset"], ["end", "large", "unset"]]
    assert marks.index(["end", "large", "unset"]) == marks.index(["begin", "large", "unset"]) + 1
    assert said == [
        "warning: operator large asks for 64 cpus and this machine has 4: it runs alone",
        "warning: operator large asks for 1000 MB of memory and this machine has 100: it runs alone",
        "warning: operator large asks for 1 GPU(s) and this machine has none: it runs with what there is",
    ]


@pytest.mark.parametrize("gpus", [(), ("0",)])
def test_a_fastio_pipeline_on_one_core(tmp_path: Path, project: Project, gpus: tuple[str, ...]) -> None:
    wish = Requests(gpu=len(gpus))
    kind = FastIOType("uint8", (4,))
    producer = Operator("producer", "producer", outputs=(Output("v", fastio=kind),), requests=wish)
    consumer = Operator("consumer", "consumer", inputs=(Input("producer", "v", fastio=kind),), requests=wish)
    one = project.driver("producer", "payload.fastio_output_entries['v'].array[:] = 7")
    two = project.driver("consumer", "assert payload.fastio_input_entries['v'].array.sum() == 28")
    programs = {"producer": read_program(one), "consumer": read_program(two)}
    tree = PayloadTree(tmp_path / "payload")
    plan = JobPlan(
        *(new_id(), "job", pipeline_of(producer, consumer), programs, tree, tmp_path / "job", passed_on()),
        machine=Machine(1, 100, gpus),
    )
    stop = StopRequest()
    result = Runner(plan, Silent(), stop).run()
    stop.close()
    assert result == JobResult(), [failure.log.read_text() for failure in result.failures]
