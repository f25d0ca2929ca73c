"""What is shown of a file that is no volume: a picture, the head of a table, the head of a text."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass, field

from clara_cli.database import Database
from clara_cli.payloads.reading import open_file

# What is read of a file, and what is shown of it.
_READ = 256 << 10
_ROWS, _COLUMNS, _CELL = 500, 60, 200
PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
}
_TABLES = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Preview:
    """The head of a file.

    Attributes:
        kind: `picture`, `table`, `text` or `none`.
        size: of the file in bytes.
        rows: of a table, the first one its head.
        text: of a text.
        cut: not all of it is there.
    """

    kind: str
    size: int
    rows: list[list[str]] = field(default_factory=list)
    text: str = ""
    cut: bool = False


def preview(database: Database, payload_id: str, name: str) -> Preview:
    """What is shown of a file of a payload.

    Raises:
        NotFound: no such payload or file.
        PayloadError: it cannot be read.
    """
    with open_file(database, payload_id, name) as file:
        size = os.fstat(file.fileno()).st_size
        if picture_kind(name):
            return Preview("picture", size)
        head = os.pread(file.fileno(), _READ, 0)
    return of_head(name, head, size)


def picture_kind(name: str) -> str | None:
    """The media type of a picture that every browser shows and that cannot run anything; None for other files."""
    return PICTURES.get(os.path.splitext(name)[1].lower())  # noqa: PTH122


def of_head(name: str, head: bytes, size: int) -> Preview:
    """The preview of a file whose first bytes are these. Pure."""
    cut = len(head) < size
    text = _text(head, cut)
    if text is None:
        return Preview("none", size)
    delimiter = _TABLES.get(os.path.splitext(name)[1].lower())  # noqa: PTH122
    if delimiter is not None:
        rows, more = _table(text, delimiter, cut)
        if rows:
            return Preview("table", size, rows, cut=more)
    return Preview("text", size, text=text, cut=cut)


def _text(head: bytes, cut: bool) -> str | None:
    """The head as text; None for what is none. A letter that the cut goes through is left out."""
    if b"\0" in head:
        return None
    for end in range(len(head), max(len(head) - 4, -1), -1):
        try:
            return head[:end].decode("utf-8-sig")
        except UnicodeDecodeError:
            if not cut:
                break
    control = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return head.decode("latin-1") if control == 0 else None


def _table(text: str, delimiter: str, cut: bool) -> tuple[list[list[str]], bool]:
    rows: list[list[str]] = []
    more = cut
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(rows) > _ROWS:
                more = True
                break
            more = more or len(row) > _COLUMNS or any(len(cell) > _CELL for cell in row)
            rows.append([cell if len(cell) <= _CELL else f"{cell[:_CELL]}…" for cell in row[:_COLUMNS]])
    except csv.Error:  # a cell longer than any that is shown, or a NUL
        more = True
    if cut and len(rows) > 1:
        rows.pop()  # the row that the cut goes through
    return rows, more
