"""Registered models: their records, and their folders in `repository/models/<id>/<name>`.

Names are unique, as in a Triton server: a model of a known name takes the place of the one that had it.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from clara_cli.database import Database
from clara_cli.errors import StateConflict, StoreError
from clara_cli.ids import new_id, resolve
from clara_cli.metadata import add_metadata
from clara_cli.models.layout import ModelFolder
from clara_cli.payloads.removal import finish_removal, note_removal, remove_noted
from clara_cli.payloads.staging import put_in_place, staged, sweep
from clara_cli.payloads.upload import Meter, fill
from clara_cli.root import Root

_COLUMNS = "id, name, type, versions, created"


class Model(NamedTuple):
    """A registered model; `created` in seconds since 1970, UTC, None where a platform does not say."""

    id: str
    name: str
    type: str
    versions: tuple[int, ...]
    created: float | None


def create_model(
    database: Database,
    folder: ModelFolder,
    meter: Meter | None = None,
    *,
    metadata: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Model, Model | None]:
    """Keep a copy of a model's folder; returns its record, and that of the model whose name it took.

    Raises:
        PayloadError: the folder cannot be copied.
        StateConflict: a job that runs uses the model of that name.
        UsageError: the metadata is against the rules.
    """
    parent = _repository(database.root)
    model = Model(new_id(), folder.name, folder.type, folder.versions, time.time())
    _sweep(database)
    with database.read() as connection:
        before = [known for known in list_models(connection) if known.name == model.name]
    with staged(parent, model.id) as aside:
        (aside / folder.name).mkdir()
        fill(aside / folder.name, folder.path, meter)
        with database.write() as connection:
            _forget(connection, database.root, before)
            connection.execute(
                f"INSERT INTO models ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
                (model.id, model.name, model.type, json.dumps(model.versions), model.created),
            )
            # Sets of models hold the new one from now on.
            connection.executemany(
                "UPDATE model_set_members SET model_id = ? WHERE model_id = ?",
                [(model.id, known.id) for known in before],
            )
            add_metadata(connection, model.id, metadata)
            put_in_place(aside, parent / model.id)
    remove_noted(database)
    return model, before[0] if before else None


def list_models(connection: sqlite3.Connection) -> list[Model]:
    """All registered models, newest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM models ORDER BY created DESC, rowid DESC")
    return [Model._make((*row[:3], tuple(json.loads(row[3])), row[4])) for row in rows]


def delete_models(database: Database, texts: Sequence[str]) -> list[Model]:
    """Remove models, all or none.

    Raises:
        NotFound: no such model.
        StateConflict: a job that runs uses one of them.
        PayloadError: they are deleted, but a folder cannot be removed.
    """
    with database.read() as connection:
        wanted = {resolve(connection, "model", text) for text in texts}
        found = [model for model in list_models(connection) if model.id in wanted]
    with database.write() as connection:
        _forget(connection, database.root, found)
    finish_removal(database)
    return found


def registered_folders(root: Root, connection: sqlite3.Connection) -> dict[str, Path]:
    """The folder of every registered model, by name."""
    return {model.name: root.repository / model.id / model.name for model in list_models(connection)}


def _forget(connection: sqlite3.Connection, root: Root, models: Sequence[Model]) -> None:
    """Delete records, unless a job uses one of the models."""
    used = dict(_in_use(connection)) if models else {}
    for model in models:
        if model.name in used:
            raise StateConflict(
                f"model {model.name} is used by job {used[model.name]}, which is running",
                hint=f"wait until it has ended, or end it: clara cancel job -j {used[model.name]}",
            )
        connection.execute("DELETE FROM models WHERE id = ?", (model.id,))
        note_removal(connection, root.path, root.repository / model.id)


def _in_use(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """(model name, job id) of the jobs that were started and have not ended."""
    query = "SELECT id, definition FROM jobs WHERE state != 'STOPPED' AND submitted IS NOT NULL"
    for job_id, definition in connection.execute(query).fetchall():
        for operator in json.loads(definition)["operators"]:
            for name in operator.get("models", ()):
                yield name, job_id


def _repository(root: Root) -> Path:
    try:
        root.repository.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the model repository {root.repository}: {error.strerror}") from error
    return root.repository


def _sweep(database: Database) -> None:
    """Remove what processes that were killed left in the repository."""

    def recorded(name: str) -> bool:
        with database.read() as connection:
            return connection.execute("SELECT 1 FROM models WHERE id = ?", (name,)).fetchone() is not None

    sweep(database.root.repository, recorded)
