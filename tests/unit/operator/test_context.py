"""Shared memory by name, in a job and alone."""

import pytest

ROUND_TRIP = """
import numpy as np
context = payload.fastio_context
made = context.create(24)
assert made.size == 24 and made.get_type_and_dimensions() == (None, [])
with made as raw:
    assert raw.dtype == np.uint8 and raw.shape == (24,)
made.set_type_and_dimensions("f32", (2, 3))
view = made.map("write")
view[...] = 4
made.publish("volume")
made.unmap()
view.flags.writeable or print("sealed")
got = context.get("volume")
assert got.get_type_and_dimensions() == (clara.FastIOType.FLOAT32, [2, 3])
with got.mapped("read") as seen:
    assert not seen.flags.writeable
    print(seen.tolist())
got.publish("volume_again")
made.free()
for use in (made.map, made.release, lambda: got.set_type_and_dimensions([4, 9], "u64"),
            lambda: got.unmap(), lambda: context.create(-1), lambda: got.set_type_and_dimensions("f80", [1])):
    try: use()
    except clara.Error: pass
    else: raise AssertionError
assert context.create(0).map().size == 0
try: context.create(1 << 60)
except MemoryError as error: print("too big")
"""


def check(result):
    assert result.code == 0, result.err
    assert result.out.splitlines() == ["sealed", "[[4.0, 4.0, 4.0], [4.0, 4.0, 4.0]]", "too big"]


def test_in_a_job(runner):
    check(runner.execute(ROUND_TRIP))
    ops = [request["op"] for request in runner.seen]
    assert ops.count("map") == ops.count("unmap") == 4
    assert ops.count("create") + ops.count("get") == ops.count("release") + ops.count("free") == 4


def test_alone(runner):
    check(runner.execute(ROUND_TRIP, CLARA_JOB_SOCKET=""))
    assert runner.seen == []


def test_alone_in_spite_of_a_job(runner):
    check(runner.execute(ROUND_TRIP, NVIDIA_CLARA_NOSYNCLOCK="TRUE"))
    assert runner.seen == []


@pytest.mark.parametrize("kind", ["key", "permission", "value", "state", "other"])
def test_refusals(runner, kind):
    built_in = {"key": "KeyError", "permission": "PermissionError", "value": "ValueError", "state": "RuntimeError"}
    runner.refuse["get"] = ("not this one", kind)
    result = runner.execute(
        f"""
        try: payload.fastio_context.get("x")
        except {built_in.get(kind, "Exception")} as error: print(error, isinstance(error, clara.Error))
        """
    )
    assert result.out == "not this one True\n", result.err


def test_objects_that_vanish_are_released_even_by_the_collector(runner):
    result = runner.execute(
        """
        import gc
        gc.set_threshold(1)
        context = payload.fastio_context
        for _ in range(50):
            loop = [context.create(16)]
            loop.append(loop)
            loop[0].map()
            del loop
        """
    )
    assert result.code == 0, result.err
    assert [request["op"] for request in runner.seen].count("release") == 50
