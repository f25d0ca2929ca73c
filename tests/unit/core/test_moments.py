"""Times as people write them."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.errors import UsageError
from clara_cli.moments import moment

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), ("1.5h", 5400), ("0s", 0), (" 10M ", 600)],
)
def test_how_long_ago(text: str, ago: float) -> None:
    assert moment(text, NOW) == NOW - ago


def test_dates_with_and_without_a_zone() -> None:
    assert moment("2023-11-14T22:13:20Z", NOW) == NOW
    assert moment("2023-11-14T23:13:20+01:00", NOW) == NOW
    assert moment("2023-11-14", NOW) == datetime(2023, 11, 14).timestamp()


def test_a_time_of_today() -> None:
    today = datetime.fromtimestamp(NOW)
    assert moment("06:05", NOW) == today.replace(hour=6, minute=5, second=0).timestamp()
    assert moment("6:05:04", NOW) == today.replace(hour=6, minute=5, second=4).timestamp()


@pytest.mark.parametrize(
    "text", ["", " ", "10", "yesterday", "25:00", "10x", "m10", "-5m", "2024-13-01", "9" * 400 + "d"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time: expected how long ago"):
        moment(text, NOW)


@given(st.text(max_size=30))
def test_no_text_does_anything_else(text: str) -> None:
    try:
        assert isinstance(moment(text, time.time()), float)
    except UsageError:
        pass


def test_the_zone_is_the_local_one_where_none_is_given() -> None:
    local = datetime.fromtimestamp(NOW).isoformat()
    assert moment(local, 0.0) == NOW
    assert datetime.fromtimestamp(moment("2023-11-14T22:13:20z", 0), timezone.utc).hour == 22
