"""Names of files that are made from names in a definition."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.filename import file_name
from clara_cli.runtime.plan import operator_log

LONG = ["a" * 252, "ä" * 200, "脾臓" * 90, "🫀" * 64, "a" + "🫀" * 64, "\udcff" * 300, "a" * 255]


@pytest.mark.parametrize("name", LONG, ids=lambda name: f"{len(name)}x{name[-1]!a}")
def test_a_log_can_be_made_for_every_name(tmp_path: Path, name: str) -> None:
    log = operator_log(tmp_path, name)
    log.parent.mkdir()
    log.touch()
    assert [path.name for path in log.parent.iterdir()] == [log.name]
    assert log.name.endswith(".log")
    assert operator_log(tmp_path, name + "x") != log


@given(st.text(alphabet="aZ-ä脾🫀\u0301", min_size=1, max_size=300))
def test_it_is_short_enough_and_valid(name: str) -> None:
    made = file_name(name, ".log")
    size = len(made.encode("utf-8"))
    assert size <= 255
    if made != name + ".log":
        assert len(name.encode()) > 251
        assert size > 255 - 4, "no more is cut than has to be"
        assert name.startswith(made[: -len("-01234567.log")])


def test_short_names_stay() -> None:
    assert file_name("a" * 251, ".log") == "a" * 251 + ".log"
    assert file_name("") == ""
