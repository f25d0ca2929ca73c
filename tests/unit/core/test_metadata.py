"""Metadata: the rules of the platform's API."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.errors import UsageError
from clara_cli.metadata import add_metadata, check_metadata, get_metadata, parse_metadata, remove_metadata
from clara_cli.root import choose_root


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["a"], "expected KEY=VALUE"),
        (["=a"], "a key is empty"),
        (["k=1", "K=2"], '"K" two values'),
        (["k" * 129 + "=1"], "the key has 129 bytes; at most 128"),
        (["k=" + "ü" * 129], "the value has 258 bytes; at most 256"),
        (["k=\udcff"], "not UTF-8"),
    ],
)
def test_what_is_against_the_rules_is_told(words: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_metadata(words)


def test_a_value_may_hold_anything_else() -> None:
    assert parse_metadata(["Source=a=b", "e="]) == {"Source": "a=b", "e": ""}


@given(st.lists(st.text(max_size=200)))
def test_words_are_read_or_refused_and_never_crash(words: list[str]) -> None:
    try:
        found = parse_metadata(words)
    except UsageError:
        return
    assert len({key.casefold() for key in found}) == len(words)
    assert all(len(key.encode()) <= 128 and len(value.encode()) <= 256 for key, value in found.items())


def test_pairs_are_added_all_or_none_and_removed() -> None:
    with Database(choose_root(load_config())) as database:
        with database.write() as connection:
            assert add_metadata(connection, "x", {"B": "1", "a": "2"}) == {"a": "2", "B": "1"}
        with pytest.raises(UsageError, match='there is metadata "b" already'), database.write() as connection:
            add_metadata(connection, "x", {"c": "3", "b": "4"})
        with database.write() as connection:
            assert get_metadata(connection, "x") == {"a": "2", "B": "1"}
            assert remove_metadata(connection, "x", ["b", "none"]) == {"a": "2"}
        many = {f"{number:0128}": "v" * 256 for number in range(8200)}
        with pytest.raises(UsageError, match="3145728 bytes in all"), database.write() as connection:
            add_metadata(connection, "x", check_metadata(many.items()))
