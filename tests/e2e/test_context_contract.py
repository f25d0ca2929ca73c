"""The context API follows the same rules in a job and without one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable

import pytest
from support import REPOSITORY, Clara, Project

Run = Callable[[str], list[str]]
OPERATOR = """
import clara, numpy

def said(call, *arguments):
    try:
        result = call(*arguments)
    except clara.Error as error:
        kinds = [k.__name__ for k in type(error).__mro__ if k.__module__ == "builtins" and k is not object]
        print("SAID", type(error).__name__, kinds, error.code, error)
    else:
        print("SAID", "fine", result if isinstance(result, (int, tuple, str)) else "")

def execute(driver, payload):
    context = payload.fastio_context
{body}

driver = clara.Driver(execute_handler=execute)
driver.start()
driver.wait_for_completion()
"""


@pytest.fixture(params=["job", "alone"])
def run(request: pytest.FixtureRequest, clara: Clara, project: Project) -> Run:
    """Run the body of an execute handler; what it said, line by line."""

    def in_a_job(program: str) -> list[str]:
        project.operator("only", program)
        path = project.definition("- {name: only, container: {image: only}, output: [{path: /output}]}", "0.4.0")
        job, _ = clara.run(path)
        return clara("logs", "-j", job, "-o", "only").lines

    def alone(program: str) -> list[str]:
        path = str(REPOSITORY / "clara_cli" / "operator_path")
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    kind = in_a_job if request.param == "job" else alone

    def run(body: str) -> list[str]:
        text = OPERATOR.replace("{body}", textwrap.indent(textwrap.dedent(body), "    "))
        return [line.removeprefix("SAID ") for line in kind(text) if line.startswith("SAID ")]

    return run


CASES = {
    "publishing": (
        """
        one, other = context.create(4), context.create(4)
        said(one.publish, "a"); said(one.publish, "a"); said(one.publish, "b")
        said(other.publish, "a")
        said(context.get, "A")
        said(context.get, "c")
        """,
        ["fine ", "fine ", "fine ",
         "InvalidValue ['ValueError', 'Exception', 'BaseException'] 2 \"a\" is published already",
         "UnknownName ['KeyError', 'LookupError', 'Exception', 'BaseException'] 4 "
         'nothing is published as "A"; published: a, b',
         "UnknownName ['KeyError', 'LookupError', 'Exception', 'BaseException'] 4 "
         'nothing is published as "c"; published: a, b'],
    ),
    "two references of one operator may both write": (
        """
        one = context.create(4); one.publish("a"); two = context.get("a")
        first, second = one.map("write"), two.map("read_write")
        first[0], second[1] = 5, 6
        said(lambda: str(first.tolist())); said(lambda: str(second.tolist()))
        one.unmap(); two.unmap()
        said(lambda: str(context.get("a").map("read").tolist()))
        """,
        ["fine [5, 6, 0, 0]"] * 2 + ["fine [5, 6, 0, 0]"],
    ),
    "mapping": (
        """
        one = context.create(8)
        said(one.unmap)
        view = one.map("read")
        said(one.map)
        said(lambda: str(view.flags.writeable))
        one.unmap(); said(one.unmap)
        """,
        ["WrongState ['RuntimeError', 'Exception', 'BaseException'] 6 resource 1 is not mapped",
         "WrongState ['RuntimeError', 'Exception', 'BaseException'] 6 resource 1 is already mapped",
         "fine False",
         "WrongState ['RuntimeError', 'Exception', 'BaseException'] 6 resource 1 is not mapped"],
    ),
    "a published one outlives its references": (
        """
        one = context.create(4); one.publish("a"); one.map()[:] = 7; one.unmap(); one.release()
        said(one.release)
        said(lambda: str(context.get("a").map().tolist()))
        """,
        ["WrongState ['RuntimeError', 'Exception', 'BaseException'] 6 resource 1 was released", "fine [7, 7, 7, 7]"],
    ),
    "freeing makes unreachable, not unusable": (
        """
        one = context.create(4); one.publish("a"); one.publish("b"); two = context.get("b")
        one.free()
        said(context.get, "a"); said(context.get, "b")
        two.map()[:] = 3
        said(two.publish, "a")
        said(lambda: str(context.get("a").size))
        """,
        ["UnknownName ['KeyError', 'LookupError', 'Exception', 'BaseException'] 4 "
         'nothing is published as "a"; published: nothing',
         "UnknownName ['KeyError', 'LookupError', 'Exception', 'BaseException'] 4 "
         'nothing is published as "b"; published: nothing',
         "fine ", "fine 4"],
    ),
    "a name that is free again": (
        """
        one = context.create(4); one.publish("a"); one.free()
        two = context.create(6); said(two.publish, "a"); said(lambda: context.get("a").size)
        """,
        ["fine ", "fine 6"],
    ),
    "metadata": (
        """
        one = context.create(24); one.publish("a")
        said(lambda: str(one.get_type_and_dimensions()))
        one.set_type_and_dimensions("i16", (3, 4))
        two = context.get("a")
        said(lambda: str(two.get_type_and_dimensions()[1]))
        two.set_type_and_dimensions([2, 3], numpy.float32)
        said(lambda: f"{one.map().dtype} {one.get_type_and_dimensions()[1]}")
        said(one.set_type_and_dimensions, "f64", [4])
        """,
        ["fine (None, [])", "fine [3, 4]", "fine float32 [2, 3]",
         "InvalidValue ['ValueError', 'Exception', 'BaseException'] 2 float64 of shape [4] do not fit 24 bytes"],
    ),
    "sizes": (
        """
        said(context.create, -1); said(context.create, 1 << 60); said(lambda: context.create(0).map().shape)
        """,
        ["InvalidValue ['ValueError', 'Exception', 'BaseException'] 2 a resource cannot have -1 bytes",
         "OutOfMemory ['MemoryError', 'Exception', 'BaseException'] 7 new resource: 1152921504606846976 bytes",
         "fine (0,)"],
    ),
    "an object that is deleted": (
        """
        one = context.create(4); one.publish("a"); two = context.get("a"); view = two.map(); del two
        view = None
        one.map("write")[0] = 1
        said(lambda: str(context.get("a").map().tolist()))
        """,
        ["fine [1, 0, 0, 0]"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES.keys())
def test_the_rules_of_shared_memory_by_name(run: Run, body: str, expected: list[str]) -> None:
    said = run(body)
    assert len(said) == len(expected), said
    for line, wanted in zip(said, expected, strict=True):
        assert line.startswith(wanted) if "OutOfMemory" in wanted else line == wanted
