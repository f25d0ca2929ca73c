"""Cycles of plain graphs."""

from __future__ import annotations

from clara_cli.pipelines.graph import cycles, spell


def test_a_long_ring_is_found_without_recursion():
    size = 20_000
    (cycle,) = cycles([[(node + 1) % size] for node in range(size)])
    assert cycle == list(range(size))


def test_a_long_chain_has_none():
    size = 20_000
    assert cycles([[node + 1] if node + 1 < size else [] for node in range(size)]) == []


def test_one_shortest_cycle_of_each_knot():
    assert cycles([[1, 2], [2], [0], [3], []]) == [[0, 2], [3]]


def test_a_long_cycle_is_shortened():
    text = spell([f"n{number}" for number in range(100)])
    assert text.startswith("n0 → n1 → ")
    assert text.endswith("n18 → … (100 operators) → n0")
