"""Pipelines in the database. Every function takes the connection of the caller's transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from clara_cli.errors import StateConflict
from clara_cli.ids import new_id, resolve
from clara_cli.stored_paths import loaded_path, stored_path

if TYPE_CHECKING:
    from clara_cli.pipelines.load import Loaded


class PipelineRecord(NamedTuple):
    """A stored pipeline.

    Attributes:
        created: seconds since 1970, UTC; None where a platform does not say.
        folder: where the definition lay, for finding operator programs beside it.
        definition: the validated pipeline as JSON text.
        parameters: what a value can be given for at the start of a job → its default; None without one.
        templated: whether placeholders of it are filled at the start of a job.
    """

    id: str
    name: str
    created: float | None
    folder: str = ""
    definition: str = ""
    parameters: Mapping[str, str | None] = MappingProxyType({})
    templated: bool = False


def insert_pipeline(connection: sqlite3.Connection, loaded: Loaded, pipeline_id: str | None = None) -> str:
    """Store a validated pipeline with the files it came from; returns its id.

    Args:
        pipeline_id: the id it is to have; None for a new one.

    Raises:
        StateConflict: there is a pipeline of that id.
    """
    if pipeline_id is None:
        pipeline_id = new_id()
    elif connection.execute("SELECT 1 FROM pipelines WHERE id = ?", (pipeline_id,)).fetchone():
        raise StateConflict(f"there is a pipeline {pipeline_id} already")
    values = _columns(loaded)
    connection.execute(
        f"INSERT INTO pipelines (id, created, {', '.join(values)}) VALUES (?, ?{', ?' * len(values)})",
        (pipeline_id, time.time(), *values.values()),
    )
    _insert_files(connection, pipeline_id, loaded)
    return pipeline_id


def update_pipeline(connection: sqlite3.Connection, pipeline_id: str, loaded: Loaded) -> None:
    """Put a validated definition in the place of a pipeline's; jobs keep the one they were made with."""
    values = _columns(loaded)
    assignments = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE pipelines SET {assignments} WHERE id = ?", (*values.values(), pipeline_id))
    connection.execute("DELETE FROM pipeline_files WHERE pipeline_id = ?", (pipeline_id,))
    _insert_files(connection, pipeline_id, loaded)


def _columns(loaded: Loaded) -> dict[str, object]:
    import json

    from clara_cli.pipelines.checked import seal
    from clara_cli.pipelines.model import to_json

    return {
        "name": loaded.pipeline.name,
        "folder": stored_path(loaded.folder.resolve()) if loaded.folder else "",
        "definition": json.dumps(to_json(loaded.pipeline)),
        "parameters": json.dumps(dict(loaded.parameters)),
        "templated": loaded.templated,
        "seal": seal(loaded),
    }


def _insert_files(connection: sqlite3.Connection, pipeline_id: str, loaded: Loaded) -> None:
    connection.executemany(
        "INSERT INTO pipeline_files VALUES (?, ?, ?, ?)",
        [(pipeline_id, place, stored_path(path), content) for place, (path, content) in enumerate(loaded.files)],
    )


def same_pipeline(connection: sqlite3.Connection, loaded: Loaded) -> str | None:
    """The newest stored pipeline of the same files from the same folder; None when there is none."""
    folder = str(loaded.folder.resolve()) if loaded.folder else ""
    rows = connection.execute(
        "SELECT id FROM pipelines WHERE name = ? AND folder = ? ORDER BY created DESC, rowid DESC",
        (loaded.pipeline.name, folder),
    )
    files = list(loaded.files)
    return next((pipeline_id for (pipeline_id,) in rows if pipeline_files(connection, pipeline_id) == files), None)


def list_pipelines(connection: sqlite3.Connection) -> list[PipelineRecord]:
    """All pipelines, newest first, without their definitions."""
    rows = connection.execute("SELECT id, name, created FROM pipelines ORDER BY created DESC, rowid DESC")
    return [PipelineRecord(*row) for row in rows]


def find_pipeline(connection: sqlite3.Connection, text: str) -> PipelineRecord:
    """The pipeline with that id or unique prefix; NotFound otherwise."""
    import json

    pipeline_id = resolve(connection, "pipeline", text)
    query = "SELECT id, name, created, folder, definition, parameters, templated FROM pipelines WHERE id = ?"
    row = connection.execute(query, (pipeline_id,)).fetchone()
    record = PipelineRecord(*row)
    return record._replace(folder=loaded_path(row[3]), parameters=json.loads(row[5]), templated=bool(record.templated))


def delete_pipeline(connection: sqlite3.Connection, pipeline_id: str) -> None:
    """Forget a pipeline; the jobs that were made of it have copies of their own."""
    connection.execute("DELETE FROM pipelines WHERE id = ?", (pipeline_id,))


def pipeline_files(connection: sqlite3.Connection, pipeline_id: str) -> list[tuple[str, bytes]]:
    """Path and content of the files of a stored pipeline, the one with the operators first."""
    query = "SELECT path, content FROM pipeline_files WHERE pipeline_id = ? ORDER BY position"
    return [(loaded_path(path), content) for path, content in connection.execute(query, (pipeline_id,))]
