"""Registered images in the database. Every function takes the connection of the caller's transaction."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from clara_cli.errors import NotFound
from clara_cli.images.reference import Reference, RegisteredImage, parse_reference
from clara_cli.stored_paths import loaded_path, stored_path

_COLUMNS = "name, tag, folder, interpreter, uses_driver"


def insert_image(connection: sqlite3.Connection, image: RegisteredImage) -> bool:
    """Store an image; returns whether it replaced one of the same name and tag."""
    replaced = _delete(connection, image.reference)
    connection.execute(
        f"INSERT INTO images ({_COLUMNS}, created) VALUES (?, ?, ?, ?, ?, ?)",
        (
            *(image.name, image.tag, stored_path(image.folder)),
            *(image.interpreter and stored_path(image.interpreter), image.uses_driver, time.time()),
        ),
    )
    return replaced


def registered_images(connection: sqlite3.Connection) -> list[RegisteredImage]:
    """All registered images, newest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM images ORDER BY created DESC, rowid DESC")
    return [
        RegisteredImage(name, tag, _path(folder), _path(interpreter) if interpreter else None, bool(uses_driver))
        for name, tag, folder, interpreter, uses_driver in rows
    ]


def _path(value: str | bytes) -> Path:
    return Path(loaded_path(value))


def find_image(connection: sqlite3.Connection, text: str) -> RegisteredImage:
    """The image registered under exactly `NAME[:TAG]`, or under its name alone if that has one tag only.

    Raises:
        NotFound: no such image, or several tags of it; the message lists what there is.
    """
    wanted = parse_reference(text)
    named = [image for image in registered_images(connection) if image.name == wanted.name]
    exact = [image for image in named if image.tag == wanted.tag]
    if exact or (len(named) == 1 and not wanted.tag):
        return (exact or named)[0]
    known = ", ".join(str(image.reference) for image in named or registered_images(connection))
    raise NotFound(f"no registered image {text}; registered: {known or 'none'}", hint="clara list images shows them")


def delete_image(connection: sqlite3.Connection, image: RegisteredImage) -> None:
    """Forget an image; its folder is left alone."""
    _delete(connection, image.reference)


def _delete(connection: sqlite3.Connection, reference: Reference) -> bool:
    found = connection.execute("DELETE FROM images WHERE name = ? AND tag = ?", (reference.name, reference.tag))
    return found.rowcount > 0
