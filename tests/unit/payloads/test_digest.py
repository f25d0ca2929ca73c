"""Digests of folders: what counts is content, and what is remembered is never wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.payloads.digest import Content, Digester
from clara_cli.root import choose_root

BIG = b"x" * 100_000


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(choose_root(load_config())) as database:
        yield database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    (top / "deep").mkdir(parents=True)
    (top / "a").write_bytes(b"one")
    (top / "deep" / "big").write_bytes(BIG)
    return top


def digest(database: Database, folder: Path, **how: bool) -> Content | None:
    digester = Digester(database)
    content = digester.folder(folder, **how)
    digester.keep()
    return content


def text(database: Database, folder: Path) -> str:
    content = digest(database, folder)
    assert content is not None
    return content.digest


def remembered(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute("SELECT count(*) FROM file_digests").fetchone()[0])


def test_copies_are_alike_and_every_difference_counts(database: Database, folder: Path, tmp_path: Path) -> None:
    import shutil

    before = text(database, folder)
    shutil.copytree(folder, tmp_path / "copy")
    assert text(database, tmp_path / "copy") == before
    changes = [
        lambda: (folder / "a").write_bytes(b"two"),
        lambda: (folder / "a").rename(folder / "b"),
        lambda: (folder / "b").chmod(0o755),
        (folder / "empty").mkdir,
        lambda: (folder / "deep" / "big").write_bytes(BIG[:-1] + b"y"),
        (folder / "deep" / "big").unlink,
    ]
    seen = {before}
    for change in changes:
        change()
        seen.add(text(database, folder))
    assert len(seen) == len(changes) + 1


def test_large_files_are_read_once(database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = time.time() - 100
    os.utime(folder / "deep" / "big", (old, old))
    before = text(database, folder)
    assert remembered(database) == 1
    opened: list[Path] = []
    really = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *rest: opened.append(path) or really(path, *rest))
    assert text(database, folder) == before
    assert [path.name for path in opened] == ["a"]


def test_a_file_that_was_written_just_now_is_not_believed_later(database: Database, folder: Path) -> None:
    before = text(database, folder)
    assert remembered(database) == 0
    info = (folder / "deep" / "big").stat()
    (folder / "deep" / "big").write_bytes(b"y" * len(BIG))
    os.utime(folder / "deep" / "big", ns=(info.st_atime_ns, info.st_mtime_ns))
    assert text(database, folder) != before


def test_what_is_not_certain_has_no_digest(database: Database, folder: Path, tmp_path: Path) -> None:
    assert digest(database, folder / "none") is None
    (folder / "link").symlink_to("a")
    assert digest(database, folder) is None
    assert digest(database, folder, follow=True) is not None
    os.mkfifo(folder / "fifo")
    assert digest(database, folder, follow=True) is None
    (folder / "fifo").unlink()
    (folder / "deep" / "round").symlink_to(folder)
    assert digest(database, folder, follow=True) is not None, "a link to a folder above ends there"


def test_the_newest_change_of_all(database: Database, folder: Path) -> None:
    for path in (folder / "a", folder / "deep" / "big", folder / "deep", folder):
        os.utime(path, (1000, 1000))
    os.utime(folder / "deep" / "big", (3000, 3000))
    content = digest(database, folder)
    assert content is not None and content.newest == 3000
