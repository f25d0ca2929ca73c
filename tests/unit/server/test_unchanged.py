"""Answers that are kept: for as long as the database is what it was, and no longer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from clara_cli.database import Database
from clara_cli.root import Root
from clara_cli.server import unchanged
from clara_cli.server.unchanged import Unchanged
from clara_cli.server.wire.common_pb2 import Identifier


@pytest.fixture
def root(tmp_path: Path) -> Root:
    made = Root(tmp_path / "a root #1?")
    made.path.mkdir()
    Database(made).close()
    return made


def change(root: Root) -> None:
    with Database(root) as database, database.write() as connection:
        connection.execute("UPDATE turns SET ticket = ticket + 1")


def answers(*texts: str) -> list[Identifier]:
    return [Identifier(value=text) for text in texts]


def test_until_something_is_written(root: Root) -> None:
    kept = Unchanged(root)
    assert kept.find(b"q") is None
    given = kept.keeper(b"q")(answers("a", "b"))
    assert [Identifier.FromString(one).value for one in given] == ["a", "b"]
    with Database(root) as database, database.read() as connection:
        connection.execute("SELECT * FROM jobs").fetchall()
    assert kept.find(b"q") == given and kept.find(b"other") is None
    change(root)
    assert kept.find(b"q") is None
    assert kept.find(b"q") is None, "what was forgotten came back"


def test_an_answer_that_was_read_while_something_was_written_is_not_kept(root: Root) -> None:
    kept = Unchanged(root)
    kept.find(b"q")
    keep = kept.keeper(b"q")
    change(root)
    kept.find(b"another question")
    keep(answers("old"))
    assert kept.find(b"q") is None
    keep = kept.keeper(b"q")
    change(root)
    keep(answers("old"))
    assert kept.find(b"q") is None


def test_another_file_in_the_place_of_the_database(root: Root, tmp_path: Path) -> None:
    kept = Unchanged(root)
    kept.find(b"q")
    kept.keeper(b"q")(answers("a"))
    shutil.rmtree(root.path)
    assert kept.find(b"q") is None
    assert not root.path.exists()
    kept.keeper(b"q")(answers("of no version"))
    assert kept.find(b"q") is None
    root.path.mkdir()
    Database(root).close()
    assert kept.find(b"q") is None
    given = kept.keeper(b"q")(answers("b"))
    assert kept.find(b"q") == given


def test_only_so_many_bytes(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "_MOST", 100)
    kept = Unchanged(root)
    kept.find(b"q")
    kept.keeper(b"1")(answers("x" * 60))
    assert len(kept.keeper(b"2")(answers("x" * 60))) == 1
    assert kept.find(b"1") and kept.find(b"2") is None
