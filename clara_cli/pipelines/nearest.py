"""The nearest existing name, offered when one is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

MAX_LOOKUPS = 30
_MAX_LENGTH = 255
_MAX_LISTED = 10


class Nearest:
    """Looks names up for one document, and stops after some: each costs a comparison with all that exist."""

    def __init__(self) -> None:
        self._left = MAX_LOOKUPS

    def hint(self, word: object, names: Iterable[str]) -> str | None:
        """`did you mean "x"?`, or None when nothing is near."""
        if not isinstance(word, str) or len(word) > _MAX_LENGTH or not self._left:
            return None
        self._left -= 1
        # Compared folded, offered as spelled.
        spelled = {name.casefold(): name for name in names}
        found = get_close_matches(word.casefold(), spelled, n=1)
        return f'did you mean "{spelled[found[0]]}"?' if found else None


def listing(names: Sequence[str]) -> str:
    """Names in a row, the first ten of many."""
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(names[:_MAX_LISTED]) + more
