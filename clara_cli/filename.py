"""Names of files and folders that are made from names of operators, services and outputs."""

from __future__ import annotations

import zlib

# Bytes, not characters, that a file system lets a name have.
LONGEST = 255


def file_name(name: str, suffix: str = "") -> str:
    """The name with the suffix; one that is too long is shortened, and marked by a checksum of the whole.

    Never longer than 255 bytes, never cut within a character.
    """
    raw = name.encode("utf-8", "surrogateescape")
    end = suffix.encode()
    if len(raw) + len(end) <= LONGEST:
        return name + suffix
    mark = f"-{zlib.crc32(raw):08x}"
    # Half a character at the cut is dropped, whereas bytes that never were one stay as they are.
    kept = raw[: LONGEST - len(end) - len(mark)]
    while kept and raw[len(kept)] & 0xC0 == 0x80:
        kept = kept[:-1]
    return kept.decode("utf-8", "surrogateescape") + mark + suffix
