"""Payloads in the database. Every function takes the connection of the caller's transaction.

The payload of a job is recorded by the database itself, together with the job.
"""

from __future__ import annotations

import sqlite3
import time

from clara_cli.ids import resolve
from clara_cli.metadata import all_metadata, get_metadata
from clara_cli.payloads.model import Payload, PayloadKind

_SELECT = """SELECT payloads.id, payloads.kind, payloads.created, jobs.id
    FROM payloads LEFT JOIN jobs ON jobs.payload_id = payloads.id"""


def insert_payload(connection: sqlite3.Connection, payload_id: str) -> None:
    """Record a reusable payload."""
    connection.execute(
        "INSERT INTO payloads (id, kind, created) VALUES (?, ?, ?)",
        (payload_id, PayloadKind.REUSABLE.value, time.time()),
    )


def list_payloads(connection: sqlite3.Connection) -> list[Payload]:
    """All payloads, newest first, with their metadata."""
    metadata = all_metadata(connection, "payloads")
    rows = connection.execute(f"{_SELECT} ORDER BY payloads.created DESC, payloads.rowid DESC")
    return [
        Payload(identity, PayloadKind(kind), created, job_id, metadata.get(identity, {}))
        for identity, kind, created, job_id in rows
    ]


def find_payload(connection: sqlite3.Connection, text: str) -> Payload:
    """The payload with that id or unique prefix; NotFound otherwise."""
    payload_id = resolve(connection, "payload", text)
    identity, kind, created, job_id = connection.execute(f"{_SELECT} WHERE payloads.id = ?", (payload_id,)).fetchone()
    return Payload(identity, PayloadKind(kind), created, job_id, get_metadata(connection, payload_id))


def delete_payload(connection: sqlite3.Connection, payload_id: str) -> None:
    """Forget a payload; its folder is the caller's to remove."""
    connection.execute("DELETE FROM payloads WHERE id = ?", (payload_id,))


def job_state(connection: sqlite3.Connection, job_id: str) -> tuple[str, bool]:
    """The state of the job a payload was made with, and whether it was started."""
    query = "SELECT state, submitted IS NOT NULL FROM jobs WHERE id = ?"
    # A job that was deleted meanwhile counts as one that has ended.
    state, submitted = connection.execute(query, (job_id,)).fetchone() or ("STOPPED", True)
    return str(state), bool(submitted)
