"""What it takes to hand an array on: no copy, no search, and nobody who still writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import Clara, Project

from clara_cli.runtime import runner

pytestmark = pytest.mark.usefixtures("way")

SIZE = 48 << 20
ARRAY = "{name: volume, type: array, element-type: uint8, shape: [-1]}"
DONE = "{name: done, type: array, element-type: uint8, shape: [1]}"
SEEN = """
import os, re
def anonymous():
    return int(re.search(r"Pss_Anon: *([0-9]+)", open("/proc/self/smaps_rollup").read())[1])
def seen(view, before):
    address = view.__array_interface__["data"][0]
    for line in open("/proc/self/maps"):
        first, last = (int(text, 16) for text in line.split()[0].split("-"))
        if first <= address < last:
            print("SEEN", line.split()[4], anonymous() - before)
before = anonymous()
"""


def chain(consumers: int) -> str:
    lines = ["- name: producer", "  container: {image: producer}", f"  output: [{ARRAY}]"]
    for number in range(1, consumers + 1):
        inputs = ["{from: producer, " + ARRAY[1:]]
        if number > 1:
            inputs.append(f"{{from: consumer-{number - 1}, " + DONE[1:])
        lines += [f"- name: consumer-{number}", "  container: {image: consumer}", f"  input: [{', '.join(inputs)}]"]
        lines += [f"  output: [{DONE}]"] if number < consumers else []
    return "\n".join(lines)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """The searches through all processes that runners in this process make."""
    made: list[tuple[object, ...]] = []
    search: Callable[..., int] = runner.end_strays

    def end_strays(*words: Any) -> int:
        made.append(words)
        return search(*words)

    monkeypatch.setattr(runner, "end_strays", end_strays)
    return made


def logged(clara: Clara, job: str, operator: str) -> list[str]:
    (line,) = (line for line in clara("logs", "-j", job, "-o", operator).lines if line.startswith("SEEN"))
    return line.split()[1:]


def test_one_array_goes_through_five_operators_without_a_copy(
    clara: Clara, project: Project, searches: list[tuple[object, ...]]
) -> None:
    project.driver(
        "producer",
        SEEN + f"entry = payload.fastio_output_entries['volume']\nentry.update_shape([{SIZE}])\n"
        "entry.array[:] = 7\nseen(entry.array, before)",
    )
    project.driver(
        "consumer",
        SEEN + "view = payload.fastio_input_entries['volume'].array\n"
        f"assert view[::4096].sum(dtype='u8') == 7 * {SIZE // 4096}\nseen(view, before)",
    )
    job, _ = clara.run(project.definition(chain(4)))
    found = [logged(clara, job, name) for name in ("producer", *(f"consumer-{n}" for n in range(1, 5)))]
    assert len({inode for inode, _ in found}) == 1
    # KiB of memory of their own, besides the 49,152 of the array
    assert max(int(grown) for _, grown in found) < 8 << 10
    assert searches in ([], [(job,)]), "processes are searched for at most once, when the job ends"


def test_whoever_a_producer_left_behind_is_gone_before_its_array_is_read(clara: Clara, project: Project) -> None:
    project.driver(
        "producer",
        "import os, time\nentry = payload.fastio_output_entries['volume']\nentry.update_shape([4096])\n"
        "view = entry.array\nview[:] = 1\n"
        "if os.fork() == 0:\n    os.setsid()\n    while True:\n        view[:] += 1\n        time.sleep(0.001)",
    )
    project.driver(
        "consumer",
        "import time\nview = payload.fastio_input_entries['volume'].array\nbefore = view.copy()\n"
        "time.sleep(0.1)\nassert (view == before).all()",
    )
    clara.run(project.definition(chain(1)))
