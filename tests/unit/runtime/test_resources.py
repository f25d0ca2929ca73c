"""Hand-made shared memory: references, names, and one writer at a time."""

from __future__ import annotations

import pytest

from clara_cli.runtime.resources import Refused, Resources


@pytest.fixture
def resources() -> Resources:
    return Resources()


def test_a_resource_is_private_until_it_is_published(resources: Resources) -> None:
    number, made = resources.create("a", 10)
    with pytest.raises(Refused, match='nothing is published as "x"; published: nothing'):
        resources.get("b", "x")
    with pytest.raises(Refused, match="no shared memory resource"):
        resources.held("b", number)
    resources.publish("a", number, "x")
    assert resources.get("b", "x") == (number, made)
    resources.publish("b", number, "again")
    assert resources.get("c", "again") == (number, made)
    resources.close()


def test_a_name_stands_for_one_resource(resources: Resources) -> None:
    first, _ = resources.create("a", 1)
    second, _ = resources.create("a", 1)
    resources.publish("a", first, "x")
    resources.publish("a", first, "x")
    with pytest.raises(Refused, match="published already"):
        resources.publish("a", second, "x")
    resources.close()


def test_one_writer_at_a_time(resources: Resources) -> None:
    number, _ = resources.create("a", 1)
    resources.publish("a", number, "x")
    resources.get("b", "x")
    resources.map("a", number, write=True)
    resources.map("b", number, write=False)
    with pytest.raises(Refused, match="another operator") as caught:
        resources.map("b", number, write=True)
    assert caught.value.kind == "permission"
    resources.unmap("a", number, write=True)
    resources.map("b", number, write=True)
    resources.leave("b")
    resources.map("a", number, write=True)
    resources.close()


def test_memory_lives_as_long_as_somebody_can_reach_it(resources: Resources) -> None:
    number, made = resources.create("a", 1)
    resources.publish("a", number, "x")
    resources.leave("a")
    assert made.segment.readonly is not None
    resources.get("b", "x")
    resources.get("b", "x")
    resources.free("b", number)
    with pytest.raises(Refused):
        resources.get("c", "x")
    assert made.segment.readonly is not None
    resources.release("b", number)
    assert made.segment.readonly is None


def test_what_was_never_published_goes_with_its_maker(resources: Resources) -> None:
    _, made = resources.create("a", 1)
    resources.leave("a")
    assert made.segment.readonly is None


def test_a_negative_size_is_refused(resources: Resources) -> None:
    with pytest.raises(Refused, match="cannot be -1"):
        resources.create("a", -1)
