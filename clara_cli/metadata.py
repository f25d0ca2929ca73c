"""Metadata of jobs, payloads, pipelines and models: pairs of texts, with the rules of the platform's API.

Keys compare without case; a key has at most 128 bytes, a value 256. All of one object stays below what one answer of
the API can carry.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from clara_cli.errors import UsageError

_LONGEST_KEY = 128
_LONGEST_VALUE = 256
# The API allows 4 MB, but its clients receive at most 4 MiB in one message.
_LARGEST = 3 << 20


def parse_metadata(words: Iterable[str]) -> dict[str, str]:
    """`KEY=VALUE` words as a mapping.

    Raises:
        UsageError: a word without `=`, or what `check_metadata` refuses.
    """
    pairs: list[tuple[str, str]] = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f'metadata "{word}": expected KEY=VALUE')
        pairs.append((key.strip(), value))
    return check_metadata(pairs)


def check_metadata(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The pairs as a mapping.

    Raises:
        UsageError: a key that is empty or given twice (capitals do not count), something too long or no text.
    """
    found: dict[str, str] = {}
    folded: set[str] = set()
    for key, value in pairs:
        if not key:
            raise UsageError("metadata: a key is empty; expected KEY=VALUE")
        for what, text, most in (("key", key, _LONGEST_KEY), ("value", value, _LONGEST_VALUE)):
            length = len(_bytes(text, what))
            if length > most:
                raise UsageError(f'metadata "{key[:40]}": the {what} has {length} bytes; at most {most} are allowed')
        if key.casefold() in folded:
            raise UsageError(f'metadata gives "{key}" two values (capitals do not count in keys)')
        folded.add(key.casefold())
        found[key] = value
    return found


def get_metadata(connection: sqlite3.Connection, owner: str) -> dict[str, str]:
    """All pairs of an object, by its id, sorted by key."""
    query = "SELECT key, value FROM metadata WHERE owner = ? ORDER BY folded"
    return dict(connection.execute(query, (owner,)).fetchall())


def all_metadata(connection: sqlite3.Connection, table: str) -> dict[str, dict[str, str]]:
    """The pairs of all objects of a table that have any, by their ids."""
    found: dict[str, dict[str, str]] = {}
    query = f"SELECT owner, key, value FROM metadata WHERE owner IN (SELECT id FROM {table}) ORDER BY folded"
    for owner, key, value in connection.execute(query):
        found.setdefault(owner, {})[key] = value
    return found


def add_metadata(connection: sqlite3.Connection, owner: str, pairs: Mapping[str, str]) -> dict[str, str]:
    """Add pairs to an object; returns all it has then.

    Raises:
        UsageError: a key is there already, or there would be too much; the caller's transaction must end.
    """
    there = get_metadata(connection, owner)
    folded = {key.casefold() for key in there}
    for key in check_metadata(pairs.items()):
        if key.casefold() in folded:
            raise UsageError(f'there is metadata "{key}" already; nothing was changed')
    together = {**there, **pairs}
    size = sum(len(key.encode()) + len(value.encode()) for key, value in together.items())
    if size > _LARGEST:
        raise UsageError(f"metadata of one object may have {_LARGEST} bytes in all, not {size}")
    connection.executemany(
        "INSERT INTO metadata (owner, folded, key, value) VALUES (?, ?, ?, ?)",
        [(owner, key.casefold(), key, value) for key, value in pairs.items()],
    )
    return get_metadata(connection, owner)


def remove_metadata(connection: sqlite3.Connection, owner: str, keys: Iterable[str]) -> dict[str, str]:
    """Remove pairs by key, those that are there; returns what is left."""
    connection.executemany(
        "DELETE FROM metadata WHERE owner = ? AND folded = ?", [(owner, key.casefold()) for key in keys]
    )
    return get_metadata(connection, owner)


def _bytes(text: str, what: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"metadata: a {what} is not UTF-8 text") from None
