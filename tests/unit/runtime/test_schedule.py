"""The schedule's decisions, on tables and on any graph; no process is started."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from clara_cli.pipelines.model import Requests
from clara_cli.runtime.capacity import Capacity, Machine, Need, need
from clara_cli.runtime.schedule import LetOn, Node, Schedule, Start, Stop

LARGE = Machine(64, 1 << 20)


def node(name: str, *sources: str, early: bool = False, need: Need | None = None) -> Node:
    return Node(name, frozenset(sources), early, need or Need())


def schedule_of(nodes: list[Node], machine: Machine = LARGE) -> Schedule:
    return Schedule(nodes, Capacity(machine))


def test_a_plain_chain_goes_one_by_one() -> None:
    schedule = schedule_of([node("b", "a"), node("a"), node("c", "b")])
    assert schedule.begin() == [Start("a", True)]
    assert schedule.ended("a", True) == [Start("b", True)]
    assert schedule.ended("b", True) == [Start("c", True)]
    assert not schedule.finished
    assert schedule.ended("c", True) == []
    assert schedule.finished


def test_independent_branches_run_side_by_side() -> None:
    schedule = schedule_of([node("a"), node("b", "a"), node("c", "a"), node("d", "b", "c")])
    schedule.begin()
    assert schedule.ended("a", True) == [Start("b", True), Start("c", True)]
    assert schedule.ended("c", True) == []
    assert schedule.ended("b", True) == [Start("d", True)]


def test_who_can_wait_starts_early_and_is_let_on_later() -> None:
    schedule = schedule_of([node("a", early=True), node("b", "a", early=True), node("c", "b")])
    assert schedule.begin() == [Start("a", True), Start("b", False)]
    assert schedule.ready("a") and not schedule.ready("b")
    assert schedule.ended("a", True) == [LetOn("b")]
    assert schedule.ready("b")


def test_a_failure_stops_what_runs_and_starts_nothing_more() -> None:
    schedule = schedule_of([node("a"), node("b"), node("c", "a"), node("d", "c", early=True)])
    schedule.begin()
    assert schedule.ended("a", False) == [Stop("b"), Stop("d")]
    assert schedule.ended("b", True) == []
    assert not schedule.finished
    assert schedule.ended("d", False) == []
    assert schedule.finished
    assert schedule.completed == set()


def test_no_operators_is_finished_at_once() -> None:
    schedule = schedule_of([])
    assert schedule.begin() == []
    assert schedule.finished


def test_who_finds_no_room_waits_for_it_in_order() -> None:
    schedule = schedule_of([node("a"), node("b"), node("c"), node("d")], Machine(2, 0))
    assert schedule.begin() == [Start("a", True), Start("b", True)]
    assert schedule.ended("b", True) == [Start("c", True)]
    assert schedule.ended("c", True) == [Start("d", True)]
    assert schedule.ended("a", True) == [] and schedule.running == ("d",)


def test_early_starters_hold_nothing_until_they_execute() -> None:
    nodes = [node("a"), node("b", early=True), node("c", "a", early=True), node("d")]
    schedule = schedule_of(nodes, Machine(1, 0))
    assert schedule.begin() == [Start("a", True), Start("b", False), Start("c", False)]
    assert schedule.ready("b") and not schedule.admitted("b")
    assert schedule.ended("a", True) == [LetOn("b")]
    assert schedule.admitted("b")
    # One that ends without ever having executed frees nothing and is not let on any more.
    assert schedule.ended("c", True) == []
    assert schedule.ended("b", True) == [Start("d", True)]


def test_small_operators_cannot_overtake_a_large_one_for_ever() -> None:
    nodes = [node("small"), node("large", need=Need(2)), node("next"), node("later", "small")]
    schedule = schedule_of(nodes, Machine(2, 0))
    assert schedule.begin() == [Start("small", True)]
    assert schedule.ended("small", True) == [Start("large", True)]
    assert schedule.ended("large", True) == [Start("next", True), Start("later", True)]


def test_what_a_waiting_operator_has_no_use_for_goes_to_those_behind_it() -> None:
    nodes = [node("a", need=Need(1, 60)), node("b", need=Need(1, 60)), node("c", need=Need(1, 0))]
    assert schedule_of(nodes, Machine(3, 100)).begin() == [Start("a", True), Start("c", True)]


MACHINE = Machine(4, 100, ("0", "1"))


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Up to 12 operators with links to earlier ones and requests, in any order of declaration."""
    count = draw(st.integers(1, 12))
    nodes = []
    for place in range(count):
        sources = draw(st.sets(st.integers(0, place - 1), max_size=3)) if place else set()
        wish = Requests(
            draw(st.none() | st.integers(0, 6)),
            draw(st.none() | st.integers(0, 3)),
            draw(st.none() | st.integers(0, 150)),
        )
        nodes.append(Node(str(place), frozenset(map(str, sources)), draw(st.booleans()), need(wish, MACHINE)))
    return draw(st.permutations(nodes))


def check_room(executing: set[str], nodes: dict[str, Node], schedule: Schedule) -> None:
    needs = [nodes[name].need for name in executing]
    assert sum(item.cpus for item in needs) <= MACHINE.cpus
    assert sum(item.memory for item in needs) <= MACHINE.memory
    devices = [device for name in executing for device in schedule.capacity.devices(name)]
    assert len(devices) == len(set(devices)) == sum(item.gpus for item in needs)


@given(graphs(), st.integers(0, 2**32), st.floats(0, 0.3))
def test_any_graph_runs_each_operator_once_and_after_its_inputs(nodes: list[Node], seed: int, faults: float) -> None:
    choice = random.Random(seed)
    by_name = {item.name: item for item in nodes}
    schedule = schedule_of(nodes, MACHINE)
    started: list[str] = []
    let_on: set[str] = set()
    completed: set[str] = set()
    stopped: set[str] = set()
    ended: set[str] = set()
    actions = schedule.begin()
    failed = False
    while True:
        for action in actions:
            if isinstance(action, Start):
                assert not failed, "nothing starts after a failure"
                assert action.name not in started
                started.append(action.name)
                inputs_done = by_name[action.name].sources <= completed
                assert inputs_done or not action.ready
                assert action.ready or by_name[action.name].early
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
        check_room(let_on - ended, by_name, schedule)
        able = [name for name in schedule.running if name in let_on or name in stopped]
        assert able, "the schedule is stuck"
        name = choice.choice(able)
        ok = name not in stopped and choice.random() >= faults
        if ok:
            completed.add(name)
        elif not failed:
            failed = True
        ended.add(name)
        actions = schedule.ended(name, ok)
    if not failed:
        assert sorted(started) == sorted(by_name)
        assert let_on == set(by_name)
    assert schedule.completed == completed
