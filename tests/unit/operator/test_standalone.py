"""Without a job: folders from the environment, no waiting."""

import json

import pytest

SHOW = "print([(e.name, e.path) for e in (*payload.inputs, *payload.outputs)], len(ins), len(outs))"


@pytest.mark.parametrize(
    ("inputs", "outputs", "shown"),
    [
        ("", "", "[('', '/input'), ('', '/output')]"),
        (":/input", "dcmout:/out", "[('', '/input'), ('dcmout', '/out')]"),
        (":/a;b:/b", "/plain", "[('', '/a'), ('b', '/b'), ('', '/plain')]"),
    ],
)
def test_folders(runner, inputs, outputs, shown):
    names = {"NVIDIA_CLARA_INPUTPATHS": inputs, "NVIDIA_CLARA_OUTPUTPATHS": outputs}
    result = runner.execute(SHOW, CLARA_JOB_SOCKET="", **names)
    assert (result.code, result.out) == (0, shown + " 0 0\n"), result.err


@pytest.mark.parametrize(("value", "alone"), [("1", True), ("yes", True), ("0", False), ("false", False), ("", False)])
def test_sync_lock_switch(runner, value, alone):
    assert runner.execute("pass", NVIDIA_CLARA_NOSYNCLOCK=value).code == 0
    assert (runner.seen == []) == alone


def test_failure_counts_here_too(runner):
    assert runner.execute("return False", CLARA_JOB_SOCKET="").code == 1


def test_performance_log(capsys):
    from clara.logging import perf_logger

    perf_logger.stage_started("outer", "all of it")
    perf_logger.stage_started("inner", "a part")
    perf_logger.stage_ended("inner", "a part")
    perf_logger.stage_ended("outer", "all of it")
    perf_logger.stage_ended("never started", "")
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    events = [json.loads(line)["event"] for line in lines if line.startswith("{")]
    assert [event["name"] for event in events] == ["processing_started"] * 2 + ["processing_ended"] * 3
    assert events[0]["category"] == "operator" and events[0]["timestamp"].endswith("Z")
    assert sum("Elapsed Time (ms): " in line for line in lines) == 2
    assert lines[1].startswith("[PERF] outer Start Time: ") and captured.out == ""
