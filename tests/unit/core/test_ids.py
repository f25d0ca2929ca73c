"""Ids: what is accepted on input, and what is said when it is not."""

from __future__ import annotations

import sqlite3
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.errors import NotFound
from clara_cli.ids import new_id, normalise, resolve


def table(*ids: str) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE jobs (id TEXT PRIMARY KEY)")
    connection.executemany("INSERT INTO jobs VALUES (?)", [(text,) for text in ids])
    return connection


def test_a_new_id_is_a_version_4_guid_without_dashes() -> None:
    text = new_id()
    assert len(text) == 32
    assert uuid.UUID(text).version == 4
    assert new_id() != text


@given(st.uuids())
def test_dashes_and_capitals_are_accepted(value: uuid.UUID) -> None:
    assert normalise(str(value), "job") == normalise(f" {value.hex.upper()} ", "job") == value.hex


@pytest.mark.parametrize("text", ["", "  ", "-", "xyz", "12/34", "..", "a b", "0x12", "é", "%"])
def test_what_cannot_be_an_id_is_named(text: str) -> None:
    with pytest.raises(NotFound, match="is not a job id"):
        normalise(text, "job")


@given(st.lists(st.uuids(), min_size=1, max_size=30, unique=True), st.integers(1, 33))
def test_a_prefix_finds_the_one_id_that_begins_with_it(values: list[uuid.UUID], length: int) -> None:
    ids = [value.hex for value in values]
    wanted = ids[0]
    matching = [text for text in ids if text.startswith(wanted[:length])]
    connection = table(*ids)
    if len(matching) == 1:
        assert resolve(connection, "job", wanted[:length]) == wanted
    else:
        with pytest.raises(NotFound, match="more than one job"):
            resolve(connection, "job", wanted[:length])
    connection.close()


def test_an_exact_id_wins_over_a_longer_one() -> None:
    connection = table("ab", "abc")
    assert resolve(connection, "job", "AB") == "ab"
    connection.close()


def test_an_ambiguous_prefix_lists_what_it_could_mean() -> None:
    connection = table("a1", "a2", "a3", "a4", "b1")
    with pytest.raises(NotFound, match=r"a1, a2, a3, …"):
        resolve(connection, "job", "a")
    with pytest.raises(NotFound, match='no job with id "c"'):
        resolve(connection, "job", "c")
    connection.close()
