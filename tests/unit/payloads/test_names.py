"""Names inside a payload, whatever somebody types or an operator made of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.errors import ClaraError, NotFound, PayloadError
from clara_cli.ids import normalise
from clara_cli.payloads.names import parse_name, show_name
from clara_cli.payloads.pattern import parse_pattern, split_reference

# Any bytes that can be a file's name, as Python gives them.
NAMES = st.binary(min_size=1, max_size=40).map(os.fsdecode).filter(lambda text: not set(text) & set("\0/"))
TEXTS = st.text(st.sampled_from("./*?[]a\\é\n\0 -:~"), max_size=30) | st.text(max_size=30)


@given(TEXTS)
def test_no_text_leads_out_of_a_payload(text: str) -> None:
    try:
        parts = parse_name(text)
        pattern = parse_pattern(text)
    except PayloadError:
        assert ".." in text.split("/") or "\0" in text
        return
    path = os.path.normpath(Path("/payload", *parts))
    assert path == "/payload" or path.startswith("/payload/")
    assert pattern.fixed + pattern.wild == parts


@given(TEXTS)
def test_spellings_of_one_name_are_one(text: str) -> None:
    try:
        parts = parse_name(text)
    except PayloadError:
        return
    assert parse_name(f"/{text}") == parse_name(f"./{text}") == parse_name("/".join(parts)) == parts


@given(st.lists(NAMES, max_size=5))
def test_names_that_exist_are_matched_by_a_pattern_for_all(names: list[str]) -> None:
    assert parse_pattern("/operators/op/**").matches(tuple(names))
    assert not names or parse_pattern("*").matches(tuple(names))


@given(NAMES)
def test_every_name_is_shown_on_one_line_of_text(name: str) -> None:
    shown = show_name(name)
    assert shown.isprintable()
    shown.encode()


def test_how_names_are_shown() -> None:
    assert show_name("a b/漢\n\x1b[31m") == "a b/漢\\n\\x1b[31m"
    assert show_name(os.fsdecode(b"\xff")) == "\\xff"


@given(TEXTS)
def test_references_are_read_or_refused(text: str) -> None:
    try:
        identity, path = split_reference(text)
    except PayloadError as error:
        assert "does not say" in error.message
        return
    assert identity.strip() and path.strip()


@given(st.text(max_size=40))
def test_ids_are_read_or_refused(text: str) -> None:
    try:
        found = normalise(text, "payload")
    except NotFound as error:
        assert "is not a payload id" in error.message
        return
    assert found and set(found) <= set("0123456789abcdef")
    assert normalise(found.upper(), "payload") == found


@pytest.mark.parametrize("text", ["..", "a/../b", "/operators/../../x", "a\0b"])
def test_what_would_leave_is_told(text: str) -> None:
    with pytest.raises(ClaraError, match="leaves the payload"):
        parse_name(text)
