"""Reserving shared memory in this process."""

import os
import tempfile

import pytest
from clara import memory
from clara.errors import Error


@pytest.fixture
def descriptor():
    number = os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR, 0o600)
    yield number
    os.close(number)


@pytest.mark.parametrize("nbytes", [0, 1, 4096, 10_000_000])
def test_pages_are_really_there(descriptor, nbytes):
    memory.reserve(descriptor, 100, "v")
    memory.reserve(descriptor, nbytes, "v")
    found = os.fstat(descriptor)
    assert found.st_size == nbytes and found.st_blocks * 512 >= nbytes


def test_sparse_file_gets_its_pages(descriptor):
    os.ftruncate(descriptor, 1 << 20)
    memory.reserve(descriptor, 1 << 20, "v")
    assert os.fstat(descriptor).st_blocks * 512 >= 1 << 20


@pytest.mark.parametrize("nbytes", [1 << 50, 1 << 70])
def test_failed_look_keeps_the_old_size(descriptor, nbytes):
    memory.reserve(descriptor, 100, "v")
    with pytest.raises(MemoryError, match=f"v: {nbytes} bytes are needed, [0-9]+ bytes are free") as caught:
        memory.reserve(descriptor, nbytes, "v")
    assert isinstance(caught.value, Error)
    assert os.fstat(descriptor).st_size == 100


@pytest.mark.parametrize("nbytes", [1 << 50, 1 << 70])
def test_kernel_refuses_although_the_look_was_good(descriptor, nbytes, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda _: (1 << 80, "a wrong look"))
    memory.reserve(descriptor, 100, "v")
    with pytest.raises(MemoryError):
        memory.reserve(descriptor, nbytes, "v")
    assert os.fstat(descriptor).st_size == 100


@pytest.mark.parametrize(
    ("limit", "usage", "cache"),
    [
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ],
)
def test_limit_of_a_control_group(limit, usage, cache, tmp_path, monkeypatch, descriptor):
    (tmp_path / limit).write_text("5000\n")
    (tmp_path / usage).write_text("3000\n")
    (tmp_path / "memory.stat").write_text(f"anon 17\n{cache} 500\n")
    monkeypatch.setattr(memory, "_control_groups", lambda: [str(tmp_path)])
    assert memory.available(descriptor) == (2500, "memory control group")
    (tmp_path / limit).write_text("max\n" if limit == "memory.max" else f"{(1 << 63) - 4096}\n")
    assert memory.available(descriptor)[1] != "memory control group"


def test_control_groups_of_both_versions_and_their_parents(monkeypatch):
    lines = ["4:cpu,memory:/a/b", "3:cpu:/c", "0::/d"]
    monkeypatch.setattr(memory, "_lines", lambda _: lines)
    assert [folder.removeprefix("/sys/fs/cgroup") for folder in memory._control_groups()] == [
        "/memory/a/b",
        "/memory/a",
        "/memory",
        "/d",
        "",
        "/unified/d",
        "/unified",
    ]


def test_other_failures_name_the_variable():
    with tempfile.TemporaryFile() as file:
        readonly = os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY)
        try:
            with pytest.raises((Error, OSError)):
                memory.reserve(readonly, 10, "v")
        finally:
            os.close(readonly)
