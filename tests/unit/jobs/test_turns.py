"""Turns: weights, nobody starves, immediate first, and never more than the machine has."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from clara_cli.jobs.states import JobPriority
from clara_cli.jobs.turns import STEPS, Claim, draw, grant, in_turn
from clara_cli.pipelines.model import Requests
from clara_cli.runtime.capacity import Machine, Need, need

ONE = Machine(1, 100)
LOWER, NORMAL, HIGHER, IMMEDIATE = (
    *(JobPriority.LOWER, JobPriority.NORMAL),
    *(JobPriority.HIGHER, JobPriority.IMMEDIATE),
)


class Line:
    """A machine for one job at a time, and the jobs that wait for it."""

    def __init__(self) -> None:
        self.waiting: list[Claim] = []
        self.latest = 0
        self.count = 0

    def join(self, priority: JobPriority) -> int:
        self.count += 1
        ticket = draw(priority, [c.ticket for c in self.waiting if c.priority is priority], self.latest)
        self.waiting.append(Claim(self.count, str(self.count), "a", priority, True, ticket, Need(), ONE))
        return self.count

    def next(self) -> Claim:
        ((claim, _),) = grant(self.waiting, lambda _: True)
        self.waiting.remove(claim)
        self.latest = max(self.latest, claim.ticket)
        return claim


def test_they_take_turns_by_their_weights() -> None:
    line = Line()
    for _ in range(40):
        for priority in (LOWER, NORMAL, HIGHER):
            line.join(priority)
    taken = [line.next().priority for _ in range(35)]
    assert Counter(taken) == {HIGHER: 20, NORMAL: 10, LOWER: 5}
    assert Counter(taken[:7]) == {HIGHER: 4, NORMAL: 2, LOWER: 1}


def test_priorities_that_come_late_or_alone() -> None:
    line = Line()
    for _ in range(100):
        line.join(NORMAL)
        assert line.next().priority is NORMAL
    # What was not used is not saved up, and a backlog of one priority does not keep another one out.
    for _ in range(50):
        line.join(LOWER)
    line.join(HIGHER)
    assert line.next().priority is HIGHER


def test_jobs_that_were_cancelled_leave_no_debt() -> None:
    line = Line()
    for _ in range(1000):
        line.join(LOWER)
    line.waiting.clear()
    line.join(LOWER)
    for _ in range(20):
        line.join(HIGHER)
    taken = [line.next().priority for _ in range(21)]
    assert taken.index(LOWER) <= 4


MOVES = st.lists(st.sampled_from([LOWER, NORMAL, HIGHER, IMMEDIATE, None]), max_size=120)


@given(MOVES)
def test_in_any_order_of_events(moves: list[JobPriority | None]) -> None:
    line = Line()
    for move in moves:
        if move is not None:
            line.join(move)
        elif line.waiting:
            immediate = [claim for claim in line.waiting if claim.priority is IMMEDIATE]
            claim = line.next()
            assert not immediate or claim == immediate[0], "IMMEDIATE first, in order"
            older = [c for c in line.waiting if c.priority is claim.priority and c.number < claim.number]
            assert not older, "in order among equals"


@given(MOVES, st.sampled_from([LOWER, NORMAL, HIGHER]))
def test_nobody_starves(moves: list[JobPriority | None], mine: JobPriority) -> None:
    line = Line()
    for move in moves:
        if move is not None:
            line.join(move)
    line.waiting = [claim for claim in line.waiting if claim.priority is not IMMEDIATE]
    before = len([claim for claim in line.waiting if claim.priority is mine])
    number = line.join(mine)
    # However many of the highest priority go on coming, each turn of one's own costs four of theirs at the most.
    others = len(line.waiting) - 1
    turns = others + (before + 1) * STEPS[mine] + 1
    for _ in range(turns):
        line.join(HIGHER)
        if line.next().number == number:
            return
    raise AssertionError(f"not taken after {turns} turns")


MACHINE = Machine(4, 100, ("0", "1"))


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Claim], set[str]]:
    claims: list[Claim] = []
    for number in range(draw(st.integers(1, 12))):
        wish = Requests(
            draw(st.none() | st.integers(0, 6)),
            draw(st.none() | st.integers(0, 3)),
            draw(st.none() | st.integers(0, 150)),
        )
        claims.append(
            Claim(
                *(number, f"job{draw(st.integers(0, 5))}", str(number), draw(st.sampled_from(list(JobPriority)))),
                *(draw(st.booleans()), draw(st.integers(0, 9)), need(wish, MACHINE), MACHINE),
            )
        )
    dead = draw(st.sets(st.sampled_from([f"job{count}" for count in range(6)]), max_size=3))
    return claims, dead


@given(situations(), st.randoms(use_true_random=False))
def test_never_more_than_there_is_and_never_stuck(situation: tuple[list[Claim], set[str]], choice: object) -> None:
    claims, dead = situation
    living = [claim for claim in claims if claim.job_id not in dead]
    done = 0
    while any(claim.devices is None for claim in living):
        granted = {claim.number: devices for claim, devices in grant(claims, lambda job: job not in dead)}
        for number in granted:
            assert claims_by(claims, number).job_id not in dead
        claims = [c._replace(devices=granted[c.number]) if c.number in granted else c for c in claims]
        living = [claim for claim in claims if claim.job_id not in dead]
        held = [claim for claim in living if claim.devices is not None]
        assert held, "somebody always gets something"
        assert sum(claim.need.cpus for claim in held) <= MACHINE.cpus
        assert sum(claim.need.memory for claim in held) <= MACHINE.memory
        devices = [device for claim in held for device in claim.devices or ()]
        assert len(devices) == len(set(devices)) == sum(claim.need.gpus for claim in held)
        ended = choice.choice(held)  # type: ignore[attr-defined]
        claims = [claim for claim in claims if claim.number != ended.number]
        living = [claim for claim in claims if claim.job_id not in dead]
        done += 1
        assert done <= 12


def claims_by(claims: list[Claim], number: int) -> Claim:
    return next(claim for claim in claims if claim.number == number)


def waiting(number: int, cpus: int, **more: object) -> Claim:
    return Claim(number, f"job{number}", "a", NORMAL, True, number, Need(cpus), MACHINE)._replace(**more)  # type: ignore[arg-type]


def test_a_large_one_is_not_overtaken_for_ever() -> None:
    claims = [waiting(1, 2, devices=()), waiting(2, 4), waiting(3, 1)]
    assert grant(claims, lambda _: True) == []
    assert [claim.number for claim, _ in grant(claims[1:], lambda _: True)] == [2]


def test_what_was_begun_comes_first_but_after_immediate_ones() -> None:
    claims = [
        waiting(1, 1),
        waiting(2, 1, pending=False),
        waiting(3, 1, priority=IMMEDIATE),
        waiting(4, 1, priority=IMMEDIATE, pending=False),
    ]
    assert [claim.number for claim in in_turn(claims)] == [4, 3, 2, 1]


def test_an_operator_lends_its_room_to_the_job_that_it_started() -> None:
    inner = waiting(2, 1, machine=ONE, parent="job1")
    outer = waiting(1, 1, machine=ONE, devices=())
    assert grant([outer, inner._replace(parent=None)], lambda _: True) == []
    assert [claim.number for claim, _ in grant([outer, inner], lambda _: True)] == [2]


def test_each_sees_its_own_machine() -> None:
    small = waiting(2, 1, machine=Machine(1, 100))
    large = waiting(3, 1, machine=Machine(8, 100))
    claims = [waiting(1, 1, devices=()), small, large]
    assert [claim.number for claim, _ in grant(claims, lambda _: True)] == [3]


def test_what_a_job_begins_with_is_taken_together_as_far_as_there_is_room() -> None:
    one = [waiting(1, 1, ticket=2), waiting(2, 2, ticket=2, job_id="job1"), waiting(3, 2, ticket=2, job_id="job1")]
    two = waiting(4, 1, ticket=4)
    assert [claim.number for claim, _ in grant([two, *one], lambda _: True)] == [1, 2]
    # Before its turn a job keeps nothing free but what its first claim needs.
    full = waiting(9, 3, pending=False, devices=())
    later = [waiting(5, 2, ticket=2), waiting(6, 4, ticket=2, job_id="job5")]
    small = waiting(7, 1, ticket=6)
    assert grant([full, *later, small], lambda _: True) == []
    assert [claim.number for claim, _ in grant([full._replace(need=Need(1)), *later, small], lambda _: True)] == [5]
