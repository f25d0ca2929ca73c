"""The schedule's decisions, on tables and on any graph; no process is started."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from clara_cli.runtime.schedule import LetOn, Node, Schedule, Start, Stop


def node(name: str, *sources: str, early: bool = False) -> Node:
    return Node(name, frozenset(sources), early)


def test_a_plain_chain_goes_one_by_one() -> None:
    schedule = Schedule([node("b", "a"), node("a"), node("c", "b")])
    assert schedule.begin() == [Start("a", True)]
    assert schedule.ended("a", True) == [Start("b", True)]
    assert schedule.ended("b", True) == [Start("c", True)]
    assert not schedule.finished
    assert schedule.ended("c", True) == []
    assert schedule.finished


def test_independent_branches_run_side_by_side() -> None:
    schedule = Schedule([node("a"), node("b", "a"), node("c", "a"), node("d", "b", "c")])
    schedule.begin()
    assert schedule.ended("a", True) == [Start("b", True), Start("c", True)]
    assert schedule.ended("c", True) == []
    assert schedule.ended("b", True) == [Start("d", True)]


def test_who_can_wait_starts_early_and_is_let_on_later() -> None:
    schedule = Schedule([node("a", early=True), node("b", "a", early=True), node("c", "b")])
    assert schedule.begin() == [Start("a", True), Start("b", False)]
    assert schedule.ready("a") and not schedule.ready("b")
    assert schedule.ended("a", True) == [LetOn("b")]
    assert schedule.ready("b")


def test_a_failure_stops_what_runs_and_starts_nothing_more() -> None:
    schedule = Schedule([node("a"), node("b"), node("c", "a"), node("d", "c", early=True)])
    schedule.begin()
    assert schedule.ended("a", False) == [Stop("b"), Stop("d")]
    assert schedule.ended("b", True) == []
    assert not schedule.finished
    assert schedule.ended("d", False) == []
    assert schedule.finished
    assert schedule.completed == set()


def test_no_operators_is_finished_at_once() -> None:
    schedule = Schedule([])
    assert schedule.begin() == []
    assert schedule.finished


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Up to 12 operators with links to earlier ones, in any order of declaration."""
    count = draw(st.integers(1, 12))
    nodes = []
    for place in range(count):
        sources = draw(st.sets(st.integers(0, place - 1), max_size=3)) if place else set()
        nodes.append(Node(str(place), frozenset(map(str, sources)), draw(st.booleans())))
    return draw(st.permutations(nodes))


@given(graphs(), st.integers(0, 2**32), st.floats(0, 0.3))
def test_any_graph_runs_each_operator_once_and_after_its_inputs(nodes: list[Node], seed: int, faults: float) -> None:
    choice = random.Random(seed)
    by_name = {item.name: item for item in nodes}
    schedule = Schedule(nodes)
    started: list[str] = []
    let_on: set[str] = set()
    completed: set[str] = set()
    stopped: set[str] = set()
    actions = schedule.begin()
    failed = False
    while True:
        for action in actions:
            if isinstance(action, Start):
                assert not failed, "nothing starts after a failure"
                assert action.name not in started
                started.append(action.name)
                inputs_done = by_name[action.name].sources <= completed
                assert action.ready == inputs_done
                assert inputs_done or by_name[action.name].early
                if action.ready:
                    let_on.add(action.name)
            elif isinstance(action, LetOn):
                assert by_name[action.name].sources <= completed
                assert action.name not in let_on
                let_on.add(action.name)
            else:
                stopped.add(action.name)
        if schedule.finished:
            break
        able = [name for name in schedule.running if name in let_on or name in stopped]
        assert able, "the schedule is stuck"
        name = choice.choice(able)
        ok = name not in stopped and choice.random() >= faults
        if ok:
            completed.add(name)
        elif not failed:
            failed = True
        actions = schedule.ended(name, ok)
    if not failed:
        assert sorted(started) == sorted(by_name)
        assert let_on == set(by_name)
    assert schedule.completed == completed
