"""Sets of registered models: catalogs, and instances of inference servers. They are records only.

Every function takes the connection of the caller's transaction. A set keeps its place for a model of which a new one
of the same name is registered; a model that is deleted is in no set any more.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Literal

from clara_cli.errors import NotFound
from clara_cli.ids import new_id

Kind = Literal["catalog", "instance"]


def create_set(connection: sqlite3.Connection, kind: Kind) -> str:
    """An empty set; returns its id."""
    identity = new_id()
    connection.execute("INSERT INTO model_sets VALUES (?, ?, ?)", (identity, kind, time.time()))
    return identity


def list_sets(connection: sqlite3.Connection, kind: Kind) -> list[str]:
    """The ids of all sets of a kind, oldest first."""
    query = "SELECT id FROM model_sets WHERE kind = ? ORDER BY created, rowid"
    return [row[0] for row in connection.execute(query, (kind,))]


def members(connection: sqlite3.Connection, kind: Kind, identity: str) -> list[str]:
    """The ids of the models in a set, in the order they were given; NotFound when there is no such set."""
    _check(connection, kind, identity)
    query = """SELECT model_id FROM model_set_members JOIN models ON models.id = model_id
        WHERE set_id = ? ORDER BY position"""
    return [row[0] for row in connection.execute(query, (identity,))]


def change_set(connection: sqlite3.Connection, kind: Kind, identity: str, models: Sequence[str]) -> None:
    """Say anew which models are in a set; NotFound when there is no such set or model."""
    _check(connection, kind, identity)
    for model_id in models:
        if connection.execute("SELECT 1 FROM models WHERE id = ?", (model_id,)).fetchone() is None:
            raise NotFound(f'no model with id "{model_id}"', kind="model")
    connection.execute("DELETE FROM model_set_members WHERE set_id = ?", (identity,))
    connection.executemany(
        "INSERT INTO model_set_members VALUES (?, ?, ?)",
        [(identity, position, model_id) for position, model_id in enumerate(dict.fromkeys(models))],
    )


def delete_set(connection: sqlite3.Connection, kind: Kind, identity: str) -> None:
    """Forget a set; its models stay. NotFound when there is no such set."""
    _check(connection, kind, identity)
    connection.execute("DELETE FROM model_sets WHERE id = ?", (identity,))


def _check(connection: sqlite3.Connection, kind: Kind, identity: str) -> None:
    query = "SELECT 1 FROM model_sets WHERE id = ? AND kind = ?"
    if connection.execute(query, (identity, kind)).fetchone() is None:
        raise NotFound(f'no {kind} with id "{identity}"', kind=kind)
