"""Uploads that are killed: nothing half there, nothing left after the next upload, nothing of others touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Clara, installed_command, ordinary_user

from clara_cli.config import load_config
from clara_cli.database import Database
from clara_cli.errors import NotFound, PayloadError
from clara_cli.payloads.actions import create_payload, delete_payloads, upload_files
from clara_cli.payloads.removal import remove_noted
from clara_cli.payloads.staging import staged, sweep_payloads
from clara_cli.payloads.store import list_payloads
from clara_cli.root import choose_root

# Runs a command with one function replaced by one that ends the process; argv: module, name, before or after, words.
KILLED = """
import importlib, os, signal, sys
module, name, when, *words = sys.argv[1:]
place = importlib.import_module(module)
original = getattr(place, name)
def killed(*arguments, **more):
    if when == "after":
        original(*arguments, **more)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(place, name, killed)
from clara_cli.cli import cli
cli(words)
"""


def killed_at(module: str, name: str, when: str, *words: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, module, name, when, *map(str, words)], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.fixture
def database(world: Path) -> Iterator[Database]:
    with Database(choose_root(load_config())) as found:
        yield found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_text("a")
    return tmp_path / "data"


def lying(database: Database) -> list[str]:
    return sorted(path.name for path in database.root.payloads.iterdir())


def records(database: Database) -> list[str]:
    with database.read() as connection:
        return [payload.id for payload in list_payloads(connection)]


@pytest.mark.parametrize(
    ("module", "name", "when"),
    [
        ("clara_cli.payloads.upload", "copy_file", "after"),
        ("clara_cli.payloads.actions", "put_in_place", "before"),
        ("clara_cli.payloads.actions", "put_in_place", "after"),
    ],
)
def test_a_killed_upload_leaves_nothing_after_the_next(
    database: Database, data: Path, module: str, name: str, when: str
) -> None:
    keep = create_payload(database, data, {}).payload.id
    killed_at(module, name, when, "create", "payload", "-f", data)
    assert records(database) == [keep]
    assert len(lying(database)) > 1
    second = create_payload(database, None, {}).payload.id
    assert lying(database) == sorted([keep, second])
    assert (database.root.payloads / keep / "a").read_text() == "a"


def test_a_job_killed_before_its_record_leaves_nothing(data: Path, tmp_path: Path) -> None:
    definition = tmp_path / "p.yaml"
    definition.write_text("api-version: 0.4.0\nname: n\noperators:\n- {name: a, container: {image: a}}\n")
    clara = Clara()
    pipeline = clara.pipeline(definition)
    killed_at(
        "clara_cli.payloads.staging", "put_in_place", "after", "create", "job", "-n", "x", "-p", pipeline, "-f", data
    )
    assert clara("list", "jobs", "-q").out == clara("list", "payloads", "-q").out == ""
    payload = clara("create", "job", "-n", "x", "-p", pipeline, "-f", data).lines[1].removeprefix("PAYLOAD_ID: ")
    with Database(choose_root(load_config())) as database:
        assert lying(database) == [payload] == records(database)


def test_folders_that_nobody_marked_are_never_removed(database: Database) -> None:
    """Such as the payloads of a root whose database was lost."""
    stranger = database.root.payloads / ("ab" * 16)
    (stranger / "input").mkdir(parents=True)
    sweep_payloads(database)
    create_payload(database, None, {})
    assert (stranger / "input").is_dir()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_deletion_is_finished_by_the_next_command(database: Database, data: Path, when: str) -> None:
    payload = create_payload(database, data, {}).payload.id
    killed_at("clara_cli.payloads.removal", "remove_noted", when, "delete", "payload", payload)
    assert records(database) == []
    remove_noted(database)
    assert lying(database) == []


def test_a_deletion_killed_before_its_commit_did_not_happen(database: Database, data: Path) -> None:
    payload = create_payload(database, data, {}).payload.id
    killed_at("clara_cli.payloads.store", "delete_payload", "after", "delete", "payload", payload)
    remove_noted(database)
    assert records(database) == [payload] == lying(database)
    assert (database.root.payloads / payload / "a").is_file()


def test_a_sweep_does_not_wait_for_another(database: Database) -> None:
    import fcntl

    (database.root.payloads / ".incoming-x").mkdir()
    guard = os.open(database.root.payloads, os.O_RDONLY)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        sweep_payloads(database)
        assert lying(database) == [".incoming-x"]
    finally:
        os.close(guard)
    sweep_payloads(database)
    assert lying(database) == []


def test_folders_that_an_operator_made_read_only_are_removed_too(database: Database) -> None:
    made = create_payload(database, None, {})
    (made.tree.path / "a" / "b").mkdir(parents=True)
    (made.tree.path / "a" / "b" / "f").touch()
    for name in ("a/b", "a"):
        (made.tree.path / name).chmod(0o500)
    subprocess.run([installed_command(), "delete", "payload", made.payload.id], check=True, preexec_fn=ordinary_user)
    assert lying(database) == []


def test_an_upload_into_a_payload_is_all_or_nothing(database: Database, data: Path, tmp_path: Path) -> None:
    made = create_payload(database, data, {})
    (tmp_path / "new").write_text("new")
    with pytest.raises(PayloadError, match="no file or folder"):
        upload_files(database, made.payload.id, [tmp_path / "new", tmp_path / "none"], "", clobber=True)
    with pytest.raises(PayloadError, match="there already, so nothing was uploaded: a"):
        upload_files(database, made.payload.id, [tmp_path / "new", data], "", clobber=False)
    assert [path.name for path in made.tree.path.iterdir()] == ["a"]
    (data / "a").write_text("changed")
    upload_files(database, made.payload.id, [tmp_path / "new", data], "./x/", clobber=True)
    upload_files(database, made.payload.id, [data], "", clobber=True)
    found = {
        str(path.relative_to(made.tree.path)): path.read_text() for path in made.tree.path.rglob("*") if path.is_file()
    }
    assert found == {"a": "changed", "x/a": "changed", "x/new": "new"}
    assert lying(database) == [made.payload.id]
    (made.tree.path / "out").symlink_to(tmp_path)
    with pytest.raises(PayloadError, match="leads out of the payload"):
        upload_files(database, made.payload.id, [data], "out", clobber=True)
    assert not (tmp_path / "a").exists()


def test_all_or_none_is_deleted(database: Database) -> None:
    made = create_payload(database, None, {})
    with pytest.raises(NotFound):
        delete_payloads(database, [made.payload.id, "ff" * 16])
    assert records(database) == [made.payload.id] == lying(database)


def test_a_mark_is_held_while_its_owner_lives(database: Database) -> None:
    with staged(database.root.payloads, "alive") as aside:
        sweep_payloads(database)
        assert aside.is_dir()
    assert lying(database) == []
