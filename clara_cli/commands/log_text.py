"""Lines of a log for a terminal: colours stay, whatever else could act on the terminal is shown instead.

A log is what a program wrote, and a program may have copied it from a file that somebody sent: it must not be able to
move the cursor, set the title, or feed keys to the terminal. To a pipe or a file everything goes as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Colours and the like: ESC [ digits m.
_COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")
# Control characters, and those that turn the direction of writing.
_ACTIVE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_RESET = "\x1b[0m"
_PALETTE = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow", "bright_green")


def harmless(line: bytes) -> str:
    """One line without its end, as a terminal may show it; of one drawn anew by carriage returns the last drawing."""
    text = line.decode("utf-8", "surrogateescape")
    if "\r" in text:
        text = next((drawn for drawn in reversed(text.split("\r")) if drawn), "")
    if text.isprintable():
        return text
    parts = _COLOUR.split(text)
    parts[::2] = (_ACTIVE.sub(_shown, part) for part in parts[::2])
    return "".join(parts) + (_RESET if len(parts) > 1 else "")


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def colours() -> Iterator[str]:
    """A colour for each log in turn."""
    while True:
        yield from _PALETTE
