"""The path after the colon in `clara download ID:/operators/op/*.csv DEST`. Pure.

Shell-like: `*`, `?` and `[…]` within one name, `**` for any number of folders. A pattern never leaves the payload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from clara_cli.errors import PayloadError
from clara_cli.payloads.names import parse_name

_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Pattern:
    """A download pattern, cut at the first name with a wildcard.

    Attributes:
        fixed: names before the first wildcard; files are placed by their path below this folder.
        wild: names from the first wildcard on; empty for a plain path.
        folder: the text ended in a slash, so only the content of a folder is meant.
    """

    fixed: tuple[str, ...]
    wild: tuple[str, ...]
    folder: bool

    def matches(self, below: tuple[str, ...]) -> bool:
        """Whether a path below the fixed folder, or a folder above it, is matched by the wildcards."""
        return _matches(self.wild, below)


def split_reference(text: str) -> tuple[str, str]:
    """`ID:PATH` as (id, path).

    Raises:
        PayloadError: no colon, nothing before or nothing after it.
    """
    identity, colon, path = text.partition(":")
    if not colon or not identity.strip() or not path.strip():
        missing = "what" if identity.strip() else "of which job"
        raise PayloadError(
            f'"{text}" does not say {missing} to download',
            hint='expected <job id>:<path>, such as 5e1f:/operators/my-operator/"*"',
        )
    return identity.strip(), path


def parse_pattern(text: str) -> Pattern:
    """Read a path or pattern; `/x`, `./x` and `x` are the same.

    Raises:
        PayloadError: the pattern has a `..` or a NUL.
    """
    names = parse_name(text)
    first = next((place for place, name in enumerate(names) if _WILD.search(name)), len(names))
    return Pattern(names[:first], names[first:], text.endswith("/"))


def _matches(wild: tuple[str, ...], below: tuple[str, ...]) -> bool:
    if not wild:
        return True  # everything below a matched folder belongs to it
    if wild[0] == "**":
        return any(_matches(wild[1:], below[skip:]) for skip in range(len(below) + 1))
    if not below:
        return False
    return _compiled(wild[0]).match(below[0]) is not None and _matches(wild[1:], below[1:])


@lru_cache
def _compiled(wild: str) -> re.Pattern[str]:
    return re.compile(translate(wild))
