"""Graphs and timelines: nothing lies over anything else, every word is there, and hostile names stay text."""

from __future__ import annotations

import itertools
import random
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.console.drawing.graph import graph_svg
from clara_cli.console.drawing.layers import layers
from clara_cli.console.drawing.layout import Layout, Line, Size, layout
from clara_cli.console.drawing.order import crossings, ordered
from clara_cli.console.drawing.places import spread
from clara_cli.console.drawing.text import shorten, width
from clara_cli.console.drawing.timeline import step_of, timeline_svg
from clara_cli.jobs.model import OperatorRecord
from clara_cli.jobs.states import OperatorStatus
from clara_cli.pipelines.model import FastIOType, Input, Operator, Pipeline


def sources() -> st.SearchStrategy[list[list[int]]]:
    """For each node some that came before it."""
    return st.integers(0, 25).flatmap(
        lambda count: st.tuples(
            *(
                st.lists(st.integers(0, node - 1), max_size=4, unique=True) if node else st.just([])
                for node in range(count)
            )
        ).map(list)
    )


@given(sources(), st.integers(1, 6))
def test_every_operator_stands_below_what_it_reads(graph: list[list[int]], widest: int) -> None:
    found = layers(graph, widest)
    assert all(found[source] < found[node] for node, read in enumerate(graph) for source in read)
    assert all(found.count(layer) <= widest for layer in found)


@given(st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=8, max_size=8))
def test_circles_are_drawn_too(graph: list[list[int]]) -> None:
    lines = tuple(Line(source, node, Size(40, 15)) for node, read in enumerate(graph) for source in set(read))
    apart(layout((Size(100, 50),) * 8, lines), (Size(100, 50),) * 8, lines)


def slow_crossings(rows: list[list[int]], below: list[list[int]]) -> int:
    found = 0
    for row, following in itertools.pairwise(rows):
        ends = [(row.index(node), following.index(target)) for node in row for target in below[node]]
        found += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(ends, 2))
    return found


@given(st.integers(0, 10_000))
def test_crossings_are_counted_and_never_become_more(seed: int) -> None:
    chance = random.Random(seed)
    rows = [list(range(start, start + 5)) for start in (0, 5, 10)]
    below: list[list[int]] = [[] for _ in range(15)]
    above: list[list[int]] = [[] for _ in range(15)]
    for node in range(10):
        below[node] = sorted(chance.sample(rows[node // 5 + 1], chance.randint(0, 3)))
        for target in below[node]:
            above[target].append(node)
    found = ordered(rows, below, above)
    assert [sorted(row) for row in found] == rows
    assert crossings(rows, below) == slow_crossings(rows, below)
    assert crossings(found, below) <= crossings(rows, below)


def test_a_crossing_that_need_not_be_is_taken_out() -> None:
    below, above = [[3], [2], [], []], [[], [], [1], [0]]
    assert crossings(ordered([[0, 1], [2, 3]], below, above), below) == 0


@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0, 100), st.floats(0.1, 10)), min_size=1, max_size=12),
    st.integers(0, 1000),
)
def test_places_keep_their_distances_and_nothing_allowed_is_nearer(
    wanted: list[tuple[float, float, float]], seed: int
) -> None:
    places, apart, weights = ([each[part] for each in wanted] for part in range(3))
    found = spread(places, apart[1:], weights)
    assert all(b - a >= gap - 1e-6 for a, b, gap in zip(found, found[1:], apart[1:], strict=False))

    def cost(at: list[float]) -> float:
        return sum(weight * (one - other) ** 2 for one, other, weight in zip(at, places, weights, strict=True))

    # The problem is convex: a nudge that is allowed must not be better.
    chance = random.Random(seed)
    for _ in range(20):
        nudged = [at + chance.uniform(-1, 1) for at in found]
        if all(b - a >= gap for a, b, gap in zip(nudged, nudged[1:], apart[1:], strict=False)):
            assert cost(nudged) >= cost(found) - 1e-6


def apart(found: Layout, boxes: tuple[Size, ...], lines: tuple[Line, ...]) -> None:
    """Boxes and words keep clear of each other, and all is inside."""
    things = [*zip(found.boxes, boxes, strict=True)]
    things += [(route.at, line.words) for route, line in zip(found.routes, lines, strict=True)]
    for (one, size), (other, its) in itertools.combinations(things, 2):
        beside = abs(one.x - other.x) >= (size.width + its.width) / 2 - 1e-6
        below = abs(one.y - other.y) >= (size.height + its.height) / 2 - 1e-6
        assert beside or below
    for at, size in things:
        assert size.width / 2 - 1e-6 <= at.x <= found.width - size.width / 2 + 1e-6
        assert size.height / 2 - 1e-6 <= at.y <= found.height - size.height / 2 + 1e-6


@given(sources(), st.integers(0, 1000))
def test_nothing_lies_over_anything_else(graph: list[list[int]], seed: int) -> None:
    chance = random.Random(seed)
    boxes = tuple(Size(chance.uniform(50, 200), 50) for _ in graph)
    lines = tuple(
        Line(source, node, Size(chance.uniform(20, 220), chance.choice((17, 34))))
        for node, read in enumerate(graph)
        for source in [*read, *([None] if not read else [])]
    )
    found = layout(boxes, lines)
    apart(found, boxes, lines)
    for route, line in zip(found.routes, lines, strict=True):
        assert route.points[-1].y == pytest.approx(found.boxes[line.target].y - 25)
        if line.source is not None:
            assert route.points[0].y == pytest.approx(found.boxes[line.source].y + 25)
            down = [point.y for point in route.points]
            assert down == sorted(down)


def test_a_chain_is_straight() -> None:
    size = Size(100, 50)
    found = layout((size,) * 5, tuple(Line(node - 1, node, Size(30, 17)) for node in range(1, 5)))
    assert max(box.x for box in found.boxes) - min(box.x for box in found.boxes) < 1


def operator(name: str, *inputs: Input) -> Operator:
    return Operator(name, "registry/clara/tool", "1.0", inputs=inputs)


def pipeline(*operators: Operator) -> Pipeline:
    return Pipeline("p", "0.4.0", "Clara", operators)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def words(svg: str, kind: str = "text") -> list[str]:
    return ["".join(text.itertext()) for text in parsed(svg).iter(kind)]


SMALL = pipeline(
    operator("reader", Input(None, "", "/input", "dicom")),
    operator(
        "seg",
        Input("Reader", "image", None, None, FastIOType("float32", (1, -1, -1))),
        Input("reader", "note", None, None, FastIOType("uint8", (-1,), True)),
    ),
    operator("writer", Input("seg", "", "/seg", None), Input("reader", "", "/in", "nifti")),
)


def test_types_stand_on_the_links() -> None:
    svg = graph_svg(SMALL, {})
    for word in ("job input · dicom", "image: float32 [1, -1, -1]", "note: string", "nifti", "files", "tool"):
        assert word in words(svg)
    assert [len(parsed(svg).findall(f".//*[@class='{name}']")) for name in ("node state-none",)] == [3]
    assert "reader → seg\nimage: float32 [1, -1, -1]\nnote: string" in words(svg, "title")


def test_a_status_has_a_class_a_word_and_a_picture() -> None:
    states = dict(zip(("reader", "SEG", "writer"), list(OperatorStatus)[1:], strict=True))
    found = graph_svg(SMALL, states)
    for name, status in (("reader", "running"), ("seg", "completed"), ("writer", "faulted")):
        (node,) = [each for each in parsed(found).iter("a") if each.get("href") == f"#operator-{name}"]
        assert node.get("class") == f"node state-{status}"
        assert status in [text.text for text in node.iter("text")]
        assert node.get("aria-label") == f"{name}, {status}, image registry/clara/tool:1.0"
        assert node.find("./path[@class='icon']") is not None
    assert "link state-running" in found


HOSTILE = ['<script>alert("1")</script>', "a & b", "'\"><svg onload=x>", "名" * 60, "x" * 300, "../../etc", "a\u202eb"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    svg = graph_svg(
        Pipeline(name, "0.4.0", "Clara", (operator(name), operator("b", Input(name, name, "/x", name)))), {}
    )
    root = parsed(svg)
    assert {each.tag for each in root.iter()} <= {"svg", "g", "path", "a", "title", "rect", "text"}
    assert not [key for each in root.iter() for key, _ in each.items() if key.startswith("on") or key == "style"]
    (node, _) = root.iter("a")
    assert node.get("aria-label") == f"{name}, image registry/clara/tool:1.0"
    assert all(width(text, 12) < 236 for text in words(svg))
    record = OperatorRecord(name, "i", OperatorStatus.FAULTED, 1.0, 2.0, 1)
    line = parsed(timeline_svg([record], 3.0))
    assert any((text.text or "").startswith(name) for text in line.iter("text"))
    assert not [key for each in line.iter() for key, _ in each.items() if key.startswith("on") or key == "style"]


def test_two_hundred_operators() -> None:
    chance = random.Random(1)
    many = pipeline(
        operator("o0"),
        *(
            operator(
                f"o{number}", *(Input(f"o{chance.randrange(number)}", f"v{each}", "/x", "nifti") for each in range(3))
            )
            for number in range(1, 200)
        ),
    )
    svg = graph_svg(many, {})
    assert len(list(parsed(svg).iter("a"))) == 200
    assert len(svg) < 1 << 20
    # Typed outputs of one operator to one other share a line; what does not fit is counted.
    five = pipeline(operator("a"), operator("b", *(Input("a", f"v{number}", "/x", "t") for number in range(5))))
    assert [text for text in words(graph_svg(five, {})) if "v" in text or "more" in text] == [
        "v0: t",
        "v1: t",
        "and 3 more",
    ]


@given(st.text(max_size=60), st.floats(10, 300))
def test_a_shortened_text_fits_and_keeps_both_ends(text: str, room: float) -> None:
    shown = shorten(text, room, 12)
    assert width(shown, 12) <= max(room, width("…", 12))
    assert shown == text or "…" in shown


@given(st.floats(0.1, 1e8))
def test_an_axis_has_a_few_marks(length: float) -> None:
    assert 0 < length / step_of(length) <= 5


def records() -> list[OperatorRecord]:
    status = OperatorStatus
    return [
        OperatorRecord("a", "i", status.COMPLETED, 100.0, 150.0, 0),
        OperatorRecord("b", "i", status.RUNNING, 150.0, None, None),
        OperatorRecord("c", "i", status.PENDING, None, None, None),
    ]


def test_bars_lie_where_the_times_are() -> None:
    svg = timeline_svg(records(), 300.0)
    bars = [each for each in parsed(svg).iter("rect") if (each.get("class") or "").startswith("time")]
    assert [(bar.get("x"), bar.get("width")) for bar in bars] == [("0.00%", "25.00%"), ("25.00%", "75.00%")]
    assert words(svg)[:4] == ["0 s", "1:00", "2:00", "3:00"]
    assert [re.sub(r"\s+", " ", text) for text in words(svg)[4:]] == ["a completed 0:50", "b running 2:30", "c pending"]
    later = timeline_svg(records(), 600.0)
    assert 'x="10.00%" y="86" width="90.00%"' in later


def test_what_an_earlier_job_left_does_not_stretch_the_axis() -> None:
    kept = OperatorRecord("kept", "i", OperatorStatus.COMPLETED, 1.0, 2.0, 0)
    svg = timeline_svg([kept, *records()], 300.0, 99.0)
    bars = [each for each in parsed(svg).iter("rect") if (each.get("class") or "").startswith("time")]
    assert [(bar.get("x"), bar.get("width")) for bar in bars] == [("0.00%", "25.00%"), ("25.00%", "75.00%")]
    assert "in an earlier job" in svg
    assert timeline_svg([kept], 300.0, 99.0) == ""


def test_before_anything_has_begun_there_is_no_timeline() -> None:
    assert timeline_svg(records()[2:], 300.0) == ""
    assert timeline_svg([], 300.0) == ""


def test_clocks_that_went_back_draw_no_negative_bars() -> None:
    record = OperatorRecord("a", "i", OperatorStatus.RUNNING, 500.0, None, None)
    widths = [each.get("width") for each in parsed(timeline_svg([record], 100.0)).iter("rect")]
    assert not any(str(each).startswith("-") for each in widths)
