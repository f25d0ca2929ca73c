"""Adding and removing metadata, the same for every kind of object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clara_cli import metadata
from clara_cli.database import Database
from clara_cli.ids import resolve


def add(database: Database, kind: str, identity: str, pairs: Mapping[str, str]) -> dict[str, str]:
    """Add pairs to an object; returns all that it has then.

    Raises:
        NotFound: there is no such object.
        UsageError: a key is there already, or the pairs are against the rules; nothing was changed.
    """
    with database.write() as connection:
        return metadata.add_metadata(connection, resolve(connection, kind, identity), pairs)


def remove(database: Database, kind: str, identity: str, keys: Iterable[str]) -> dict[str, str]:
    """Remove pairs from an object; returns those that are left. Keys that are not there are ignored.

    Raises:
        NotFound: there is no such object.
    """
    with database.write() as connection:
        return metadata.remove_metadata(connection, resolve(connection, kind, identity), list(keys))
