"""What requests count as, and what this machine is found to have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clara_cli.pipelines.model import Requests
from clara_cli.runtime.capacity import Capacity, Machine, Need, need, shortfalls
from clara_cli.runtime.machine import this_machine

SMALL = Machine(2, 1000)


@pytest.mark.parametrize(
    ("requests", "machine", "expected"),
    [
        (Requests(), SMALL, Need(1, 0, 0)),
        (Requests(cpu=0, memory=0, gpu=0), SMALL, Need(1, 0, 0)),
        (Requests(cpu=2, memory=500), SMALL, Need(2, 500, 0)),
        (Requests(cpu=8), SMALL, Need(2, 1000, 0)),
        (Requests(memory=8000), SMALL, Need(2, 1000, 0)),
        (Requests(gpu=1), SMALL, Need(1, 0, 0)),
        (Requests(gpu=4), Machine(2, 1000, ("0", "1")), Need(1, 0, 2)),
    ],
)
def test_what_a_request_counts_as(requests: Requests, machine: Machine, expected: Need) -> None:
    assert need(requests, machine) == expected


def test_what_the_machine_lacks_is_said() -> None:
    assert shortfalls(Requests(1, 0, 1000), SMALL) == []
    told = shortfalls(Requests(cpu=3, memory=2000, gpu=1), SMALL)
    assert told == [
        "asks for 3 cpus and this machine has 2: it runs alone",
        "asks for 2000 MB of memory and this machine has 1000: it runs alone",
        "asks for 1 GPU(s) and this machine has none: it runs with what there is",
    ]


def test_devices_are_kept_apart_and_come_back() -> None:
    capacity = Capacity(Machine(8, 0, ("0", "2", "3")))
    assert capacity.admit([("a", Need(1, 0, 2)), ("b", Need(1, 0, 2)), ("c", Need(1, 0, 1)), ("d", Need())]) == [
        "a",
        "d",
    ]
    assert (capacity.devices("a"), capacity.devices("b"), capacity.devices("d")) == (("0", "2"), (), ())
    capacity.release("a")
    assert capacity.admit([("b", Need(1, 0, 2)), ("c", Need(1, 0, 1))]) == ["b", "c"]
    assert (capacity.devices("b"), capacity.devices("c")) == (("0", "2"), ("3",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The part of a machine's files that is looked at, with 16 GB and no limits."""
    for folder in ("proc/self", "sys/fs/cgroup", "dev"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal:       16777216 kB\nMemFree: 1 kB\n")
    return tmp_path


def test_this_very_machine_has_something() -> None:
    machine = this_machine()
    assert 1 <= machine.cpus <= (os.cpu_count() or 1)
    assert machine.memory > 100


def test_no_control_groups(root: Path) -> None:
    assert this_machine({}, root) == Machine(len(os.sched_getaffinity(0)), 16384)


@pytest.mark.parametrize(("quota", "cpus"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None)])
def test_limits_of_the_group_and_those_above(root: Path, quota: str, cpus: int | None) -> None:
    (root / "proc/self/cgroup").write_text("0::/user/session\n")
    inner = root / "sys/fs/cgroup/user/session"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n")
    (inner.parent / "memory.max").write_text(f"{2 << 30}\n")
    (inner.parent / "cpu.max").write_text(quota)
    assert this_machine({}, root) == Machine(cpus or len(os.sched_getaffinity(0)), 2048)


def test_limits_of_the_older_control_groups(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("4:memory:/not/visible\n3:cpu,cpuacct:/\n1:name=systemd:/\n")
    for name, file, value in [
        ("cpu,cpuacct", "cpu.cfs_quota_us", "100000"),
        ("cpu,cpuacct", "cpu.cfs_period_us", "100000"),
        ("memory", "memory.limit_in_bytes", str(1 << 30)),
    ]:
        (root / "sys/fs/cgroup" / name).mkdir(exist_ok=True)
        (root / "sys/fs/cgroup" / name / file).write_text(value)
    assert this_machine({}, root) == Machine(1, 1024)


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ("0", "1")),
        ("1", ("1",)),
        ("1, 0", ("1", "0")),
        ("", ()),
        ("-1", ()),
        ("0,5,1", ("0",)),
        ("GPU-8f1a,GPU-8f1a", ("GPU-8f1a",)),
    ],
)
def test_gpus_and_the_users_choice_of_them(root: Path, visible: str | None, expected: tuple[str, ...]) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (root / "dev" / name).touch()
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert this_machine(environment, root).gpus == expected
