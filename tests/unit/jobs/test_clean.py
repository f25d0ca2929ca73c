"""Which payloads of ended jobs go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clara_cli.jobs.clean import Ended, choose
from clara_cli.retention import Retention

DAY = 86400.0
NOW = 1000 * DAY


def ended(name: str, days: float, size: int = 10, status: str = "HEALTHY") -> Ended:
    return Ended(name, f"payload of {name}", name, status, NOW - days * DAY, size)


def names(payloads: list[Ended], limits: Retention) -> list[str]:
    return [payload.name for payload in choose(payloads, limits, NOW)]


PAYLOADS = [
    ended("old", 30),
    ended("old failed", 29, status="FAULTED"),
    ended("week", 8),
    ended("week failed", 9, status="CANCELED"),
    ended("new", 0.1),
]


def test_by_age_failed_jobs_are_kept_longer() -> None:
    assert names(PAYLOADS, Retention.of(7 * DAY, None, None)) == ["old", "old failed", "week"]
    assert names(PAYLOADS, Retention.of(7 * DAY, 7 * DAY, None)) == ["old", "old failed", "week failed", "week"]
    assert names(PAYLOADS, Retention.of(None, 7 * DAY, None)) == ["old failed", "week failed"]
    assert names(PAYLOADS, Retention()) == []


def test_by_size_the_oldest_go_first_and_failed_ones_last() -> None:
    assert names(PAYLOADS, Retention.of(None, None, 50)) == []
    assert names(PAYLOADS, Retention.of(None, None, 49)) == ["old"]
    assert names(PAYLOADS, Retention.of(None, None, 25)) == ["old", "week", "new"]
    assert names(PAYLOADS, Retention.of(None, None, 10)) == ["old", "old failed", "week", "new"]
    assert len(names(PAYLOADS, Retention.of(None, None, 0))) == 5


def test_both() -> None:
    assert names(PAYLOADS, Retention.of(20 * DAY, None, 35)) == ["old", "week"]


SOME = st.lists(
    st.builds(
        ended, st.text(max_size=3), st.floats(0, 100), st.integers(0, 1000), st.sampled_from(["HEALTHY", "FAULTED"])
    )
)


@given(SOME, st.none() | st.floats(0, 100), st.none() | st.integers(0, 3000))
def test_what_is_kept_keeps_to_the_limits(payloads: list[Ended], age: float | None, size: int | None) -> None:
    limits = Retention.of(age and age * DAY, None, size)
    chosen = choose(payloads, limits, NOW)
    kept = list(payloads)
    for payload in chosen:
        kept.remove(payload)
    if size is not None:
        assert sum(payload.size for payload in kept) <= size
    if limits.older_than is not None:
        assert all(NOW - payload.stopped <= limits.older_than for payload in kept if payload.succeeded)
    if age is None and size is None:
        assert not chosen
