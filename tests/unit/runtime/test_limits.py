"""Deadlines, with a clock of the test's own."""

from __future__ import annotations

from clara_cli.runtime.limits import Deadlines


def test_deadlines_know_what_is_next_and_what_is_over() -> None:
    deadlines = Deadlines()
    assert deadlines.patience(0) == [] and deadlines.passed(1000) == []
    deadlines.set(None, 0, None)
    deadlines.set(None, 0, 10)
    deadlines.set("a", 2, 3)
    assert deadlines.patience(1) == [4] and deadlines.passed(4.9) == []
    assert deadlines.passed(5) == [("a", 3)] and deadlines.patience(6) == [0]
    deadlines.drop("a")
    deadlines.drop("b")
    assert deadlines.passed(11) == [(None, 10)]
