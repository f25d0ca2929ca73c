"""What a terminal is shown of a log."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.commands.log_text import harmless


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"plain \xc3\xa9 text", "plain é text"),
        (b"\ttabs\t", "\ttabs\t"),
        (b"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"\x1b[2J\x1b[1A", "\\x1b[2J\\x1b[1A"),
        (b"10%\r20%\r30%", "30%"),
        (b"100%\r", "100%"),
        (b"\xff\x00", "\\xff\\x00"),
        ("\u202eevil".encode(), "\\u202eevil"),
        (b"\xc2\x9b2J", "\\x9b2J"),
    ],
)
def test_colours_stay_and_the_rest_is_shown(line: bytes, shown: str) -> None:
    assert harmless(line) == shown


@given(st.binary(max_size=80).map(lambda text: text.replace(b"\n", b"")))
def test_nothing_that_acts_on_a_terminal_is_left(line: bytes) -> None:
    rest = re.sub(r"\x1b\[[0-9;:]*m", "", harmless(line))
    assert not re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f]", rest)
    rest.encode()
