"""Download patterns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.errors import PayloadError
from clara_cli.payloads.pattern import parse_pattern, split_reference

NAMES = st.text(st.characters(blacklist_characters="/\0*?[", blacklist_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in (".", "..")
)


@pytest.mark.parametrize(
    ("text", "fixed", "wild"),
    [
        ("/operators/op/*", ("operators", "op"), ("*",)),
        ("./operators/op/*.csv", ("operators", "op"), ("*.csv",)),
        ("operators//op/", ("operators", "op"), ()),
        ("/operators/*/x/y.txt", ("operators",), ("*", "x", "y.txt")),
        ("/**/a?[0-9]", (), ("**", "a?[0-9]")),
        ("/", (), ()),
    ],
)
def test_a_pattern_is_cut_at_its_first_wildcard(text: str, fixed: tuple[str, ...], wild: tuple[str, ...]) -> None:
    pattern = parse_pattern(text)
    assert (pattern.fixed, pattern.wild) == (fixed, wild)


@pytest.mark.parametrize(
    ("wild", "below", "matched"),
    [
        ("*", "a", True),
        ("*", "a/b/c", True),  # a bare star takes sub-folders with it
        ("*.csv", "x.csv", True),
        ("*.csv", "sub/x.csv", False),
        ("**/*.csv", "sub/deep/x.csv", True),
        ("**/*.csv", "x.csv", True),
        ("a?", "ab", True),
        ("a?", "a", False),
        ("[ab]", "c", False),
        ("*/x", "s/x", True),
        ("*/x", "s/y", False),
    ],
)
def test_matching(wild: str, below: str, matched: bool) -> None:
    assert parse_pattern(f"/{wild}").matches(tuple(below.split("/"))) is matched


@pytest.mark.parametrize("text", ["..", "/../x", "/operators/../../etc/passwd", "/operators/*/..", "a\0b"])
def test_a_pattern_never_leaves_the_payload(text: str) -> None:
    with pytest.raises(PayloadError, match="leaves the payload"):
        parse_pattern(text)


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_plain_paths_stay_as_they_are(names: list[str]) -> None:
    for text in ("/".join(names), "/" + "/".join(names), "./" + "/".join(names)):
        pattern = parse_pattern(text)
        assert (pattern.fixed, pattern.wild) == (tuple(names), ())


@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(NAMES, max_size=3))
def test_everything_below_a_match_belongs_to_it(names: list[str], deeper: list[str]) -> None:
    assert parse_pattern("/".join(["*"] * len(names))).matches((*names, *deeper))
    assert parse_pattern("**").matches((*names, *deeper))


@pytest.mark.parametrize("text", ["", ":", "abc", "abc:", ":/x", "  :/x"])
def test_a_reference_names_a_job_and_a_path(text: str) -> None:
    with pytest.raises(PayloadError, match=r"does not say (what|of which job) to download"):
        split_reference(text)
    assert split_reference("ab:/x:y") == ("ab", "/x:y")
