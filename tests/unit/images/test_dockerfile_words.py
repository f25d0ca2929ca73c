"""Quotes, escapes and variables of Dockerfile words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.images.words import expand

VALUES = {"A": "one", "EMPTY": "", "B_2": "two"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$A/x", "one/x"),
        ("${A}x", "onex"),
        ("$B_2.x", "two.x"),
        ("$UNKNOWN-x", "-x"),
        ("'$A'", "$A"),
        ('"$A b"', "one b"),
        (r"\$A", "$A"),
        (r'"\$A \x"', r"$A \x"),
        (r"a\ b", "a b"),
        (r"'a\b'", r"a\b"),
        ("cost$", "cost$"),
        ("$1", "$1"),
        ("${UNKNOWN:-word}", "word"),
        ("${EMPTY:-$A}", "one"),
        ("${EMPTY-word}", ""),
        ("${A:+there}", "there"),
        ("${EMPTY:+there}", ""),
        ("${EMPTY+there}", "there"),
        ("${UNKNOWN:-${A}/x}", "one/x"),
        ("${A:?}", "one"),
        ('"it\'s"', "it's"),
        ("'say \"x\"'", 'say "x"'),
    ],
)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, VALUES) == expected


@pytest.mark.parametrize("text", ["'open", '"open', "${A", "${A!}", "${UNKNOWN:?is needed}", "${}"])
def test_wrong(text: str) -> None:
    with pytest.raises(ValueError, match=r"not closed|cannot read|no value"):
        expand(text, VALUES)


@given(st.text(alphabet="${}:-+?'\"\\AB x", max_size=20))
def test_any_text_ends_in_a_value_or_a_value_error(text: str) -> None:
    try:
        expand(text, VALUES)
    except ValueError:
        pass


@given(st.text(max_size=20).filter(lambda text: "'" not in text))
def test_single_quotes_keep_everything(text: str) -> None:
    assert expand(f"'{text}'", VALUES) == text
