"""Ids of pipelines, jobs and payloads: 32 lower-case hexadecimal digits, a GUID without dashes.

On input dashes, capitals and unique left prefixes are accepted; on output never.
"""

from __future__ import annotations

import os
import re
import sqlite3

from clara_cli.errors import NotFound

# A real document shows an id of 33 digits, so the length is not enforced when reading one.
_HEX = re.compile(r"[0-9a-f]+")


def new_id() -> str:
    """A random (version 4) GUID as 32 hexadecimal digits."""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return raw.hex()


def normalise(text: str, kind: str) -> str:
    """An id, or the beginning of one, as it is stored.

    Raises:
        NotFound: the text cannot be an id; the message names `kind`, such as `job`.
    """
    digits = text.strip().replace("-", "").lower()
    if not _HEX.fullmatch(digits):
        shown = text.strip() or "(empty)"
        raise NotFound(
            f'"{shown}" is not a {kind} id: expected hexadecimal digits, whole or the first few',
            hint=f"clara list {kind}s shows the ids",
        )
    return digits


def resolve(connection: sqlite3.Connection, kind: str, text: str, column: str = "id") -> str:
    """The one id in the table `kind` + `s` that begins with `text`.

    Raises:
        NotFound: malformed, unknown or ambiguous; an ambiguous one lists what it could mean.
    """
    prefix = normalise(text, kind)
    rows = connection.execute(
        # Hexadecimal digits sort before "g": the range holds exactly the ids with this prefix.
        f"SELECT {column} FROM {kind}s WHERE {column} >= ? AND {column} < ? ORDER BY {column} LIMIT 4",
        (prefix, prefix + "g"),
    ).fetchall()
    if not rows:
        raise NotFound(f'no {kind} with id "{text.strip()}"', hint=f"clara list {kind}s shows the ids", kind=kind)
    if len(rows) > 1 and rows[0][0] != prefix:
        listed = ", ".join(row[0] for row in rows[:3]) + (", …" if len(rows) > 3 else "")
        raise NotFound(f'"{text.strip()}" could be more than one {kind}: {listed}', hint="give more digits")
    return str(rows[0][0])
