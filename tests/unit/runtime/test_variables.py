"""The runner's side of FastIO variables: segments, descriptors, shapes."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import shared_memory_here

from clara_cli.errors import RuntimeFailure
from clara_cli.fastio.segment import create_segment
from clara_cli.pipelines.model import FastIOType, Input, Operator, Output, Pipeline
from clara_cli.runtime.variables import Variables


def pipeline(declared: tuple[int, ...] = (1, -1), read: tuple[int, ...] = (1, -1)) -> Pipeline:
    produced, wanted = FastIOType("float32", declared), FastIOType("float32", read)
    producer = Operator("A", "i", outputs=(Output("v", fastio=produced), Output("files", path="/out")))
    consumer = Operator("B", "i", inputs=(Input("A", "V", fastio=wanted),))
    other = Operator("C", "i", inputs=(Input("A", "v", fastio=wanted),))
    return Pipeline("p", "0.5.0", "Clara", (producer, consumer, other))


def test_a_segment_has_no_name_no_bytes_and_cannot_be_written_by_readers() -> None:
    before = sorted(os.listdir("/dev/shm"))
    segment = create_segment()
    assert sorted(os.listdir("/dev/shm")) == before
    assert segment.writable is not None and segment.readonly is not None
    info = os.fstat(segment.readonly)
    assert (info.st_size, info.st_nlink, info.st_mode & 0o777) == (0, 0, 0o400)
    assert info.st_ino == segment.inode == os.fstat(segment.writable).st_ino
    with pytest.raises(OSError):
        os.write(segment.readonly, b"x")
    segment.close()


def test_producers_inherit_writable_and_consumers_read_only_descriptors() -> None:
    definition = pipeline()
    variables = Variables(definition)
    (written,) = variables.descriptors(definition.operator("A"))
    (read,) = variables.descriptors(definition.operator("B"))
    os.write(written, b"abc")
    assert os.pread(read, 10, 0) == b"abc"
    assert os.fstat(read).st_ino == os.fstat(written).st_ino
    variables.seal(definition.operator("A"))
    assert variables.descriptors(definition.operator("A")) == ()
    assert os.pread(read, 10, 0) == b"abc"
    variables.close()


def test_whoever_could_still_write_is_known_when_a_variable_is_sealed() -> None:
    definition = pipeline()
    producer, consumer = definition.operator("A"), definition.operator("B")
    with Variables(definition) as variables:
        (written,) = variables.descriptors(producer)
        os.ftruncate(written, 4096)
        left_behind = os.dup(written)
        mapped = mmap.mmap(left_behind, 4096)
        (read,) = variables.descriptors(consumer)
        also_read = mmap.mmap(read, 4096, prot=mmap.PROT_READ)
        assert variables.seal(producer)  # the descriptor
        os.close(left_behind)
        assert variables.seal(producer)  # the mapping
        mapped.close()
        assert not variables.seal(producer)
        assert variables.seal(consumer) is False  # it has no outputs
        also_read.close()


def test_memory_is_given_back_with_the_last_reader_and_at_the_end() -> None:
    before = shared_memory_here()
    definition = pipeline()
    variables = Variables(definition)
    variables.allocate("A", "v", (1, 5))
    assert len(shared_memory_here()) == len(before) + 2
    variables.seal(definition.operator("A"))
    variables.release(definition.operator("B"), {"A", "B"})
    assert [item.name for item in variables.observable()] == ["v"]
    variables.release(definition.operator("C"), {"A", "B", "C"})
    assert variables.observable() == []
    assert shared_memory_here() == before
    variables.close()


def test_outputs_without_a_size_are_missing() -> None:
    definition = pipeline()
    variables = Variables(definition)
    assert variables.missing(definition.operator("A")) == ["v"]
    variables.allocate("a", "V", (1, 0))
    assert variables.missing(definition.operator("A")) == []
    variables.close()


@pytest.mark.parametrize(
    ("declared", "read", "shape", "told"),
    [
        ((1, -1), (1, -1), (1, 2, 3), r"\[1, 2, 3\] does not fit output \"A/v\", declared as \[1, -1\]"),
        ((1, -1), (1, -1), (2, 2), r"does not fit output"),
        ((1, -1), (1, 8), (1, 9), r"does not fit input \"V\" of operator B, declared as \[1, 8\]"),
    ],
)
def test_a_shape_that_contradicts_a_declaration(
    declared: tuple[int, ...], read: tuple[int, ...], shape: tuple[int, ...], told: str
) -> None:
    variables = Variables(pipeline(declared, read))
    with pytest.raises(RuntimeFailure, match=told):
        variables.allocate("A", "v", shape)
    variables.close()


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 3)), min_size=1, max_size=5))
def test_shapes_fit_where_every_fixed_size_agrees(pairs: list[tuple[int, int]]) -> None:
    declared, shape = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
    fits = all(fixed <= 0 or fixed == size for fixed, size in pairs)
    variables = Variables(pipeline(declared, declared))
    try:
        variables.allocate("A", "v", shape)
        assert fits
    except RuntimeFailure:
        assert not fits
    finally:
        variables.close()


def test_no_descriptors_left_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 2, hard))
    try:
        with pytest.raises(RuntimeFailure, match="Too many open files"):
            for _ in range(4):
                Variables(pipeline())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert Path("/dev/shm").is_dir()
