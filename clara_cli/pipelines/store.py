"""Pipelines in the database. Every function takes the connection of the caller's transaction."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, NamedTuple

from clara_cli.ids import new_id, resolve

if TYPE_CHECKING:
    from clara_cli.pipelines.model import Pipeline


class PipelineRecord(NamedTuple):
    """A stored pipeline; `created` in seconds since 1970 UTC.

    Attributes:
        folder: where the definition lay, for finding operator programs beside it.
        definition: the validated pipeline as JSON text.
    """

    id: str
    name: str
    created: float
    folder: str = ""
    definition: str = ""


def insert_pipeline(
    connection: sqlite3.Connection, pipeline: Pipeline, files: tuple[tuple[str, bytes], ...], folder: str
) -> str:
    """Store a validated pipeline with the files it came from; returns its new id."""
    import json

    from clara_cli.pipelines.model import to_json

    pipeline_id = new_id()
    connection.execute(
        "INSERT INTO pipelines (id, name, created, folder, definition) VALUES (?, ?, ?, ?, ?)",
        (pipeline_id, pipeline.name, time.time(), folder, json.dumps(to_json(pipeline))),
    )
    connection.executemany(
        "INSERT INTO pipeline_files VALUES (?, ?, ?, ?)",
        [(pipeline_id, position, path, content) for position, (path, content) in enumerate(files)],
    )
    return pipeline_id


def list_pipelines(connection: sqlite3.Connection) -> list[PipelineRecord]:
    """All pipelines, newest first, without their definitions."""
    rows = connection.execute("SELECT id, name, created FROM pipelines ORDER BY created DESC, rowid DESC")
    return [PipelineRecord(*row) for row in rows]


def find_pipeline(connection: sqlite3.Connection, text: str) -> PipelineRecord:
    """The pipeline with that id or unique prefix; NotFound otherwise."""
    pipeline_id = resolve(connection, "pipeline", text)
    query = "SELECT id, name, created, folder, definition FROM pipelines WHERE id = ?"
    return PipelineRecord(*connection.execute(query, (pipeline_id,)).fetchone())
