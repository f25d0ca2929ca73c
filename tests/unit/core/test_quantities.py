"""Sizes and ages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.quantities import parse_age, parse_size, show_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("17", 17),
        ("5b", 5),
        ("1k", 1024),
        ("1.5K", 1536),
        ("50G", 50 << 30),
        ("2 TiB", 2 << 40),
        ("3mb", 3 << 20),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("90", 90), ("2m", 120), ("1.5h", 5400), ("7d", 604800), ("1 W", 604800)]
)
def test_ages(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "G", "-1", "1e9", "7x", "1d2h", "nan", "٣", "9" * 400])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no size: expected a number"):
        parse_size(text)
    with pytest.raises(ValueError, match="is no age: expected a number"):
        parse_age(text)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_size, parse_age):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert "expected a number" in str(error)


@given(st.integers(min_value=0, max_value=1 << 50))
def test_what_is_shown_can_be_read(size: int) -> None:
    assert abs(parse_size(show_size(size)) - size) <= size * 0.06 + 0.5
