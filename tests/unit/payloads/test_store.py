"""Records of payloads, also in databases that were made before there were any."""

from __future__ import annotations

import sqlite3

import pytest

from clara_cli.config import load_config
from clara_cli.database import MIGRATIONS, Database
from clara_cli.errors import NotFound
from clara_cli.metadata import add_metadata, get_metadata
from clara_cli.payloads.model import PayloadKind
from clara_cli.payloads.store import delete_payload, find_payload, insert_payload, list_payloads
from clara_cli.root import Root, choose_root

JOB = (
    "INSERT INTO jobs (id, payload_id, pipeline_id, name, state, status, priority, created, folder, definition) "
    "VALUES (?, ?, 'cc', 'n', 'PENDING', 'HEALTHY', 'NORMAL', 5.0, '', '{}')"
)


@pytest.fixture
def root() -> Root:
    return choose_root(load_config())


def test_jobs_of_an_old_database_have_payloads(root: Root) -> None:
    before = next(place for place, steps in enumerate(MIGRATIONS) if any("TABLE payloads" in step for step in steps))
    with sqlite3.connect(root.database) as connection:
        for statement in (statement for steps in MIGRATIONS[:before] for statement in steps):
            connection.execute(statement)
        connection.execute(JOB, ("aa", "bb"))
        connection.execute(f"PRAGMA user_version = {before}")
    connection.close()
    with Database(root) as database, database.write() as connection:
        (found,) = list_payloads(connection)
        assert (found.id, found.kind, found.created, found.job_id) == ("bb", PayloadKind.PIPELINE, 5.0, "aa")
        connection.execute(JOB, ("a1", "b1"))
        assert find_payload(connection, "b1").job_id == "a1"


def test_metadata_ends_with_what_it_describes(root: Root) -> None:
    with Database(root) as database, database.write() as connection:
        insert_payload(connection, "bb")
        connection.execute(JOB, ("aa", "b1"))
        add_metadata(connection, "bb", {"k": "v"})
        add_metadata(connection, "aa", {"j": "w"})
        assert {found.id: dict(found.metadata) for found in list_payloads(connection)} == {"bb": {"k": "v"}, "b1": {}}
        delete_payload(connection, "bb")
        connection.execute("DELETE FROM jobs")
        assert get_metadata(connection, "bb") == get_metadata(connection, "aa") == {}
        # A job may be deleted without its payload.
        assert [found.job_id for found in list_payloads(connection)] == [None]
        with pytest.raises(NotFound):
            find_payload(connection, "bb")
