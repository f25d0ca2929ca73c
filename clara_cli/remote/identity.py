"""Whole ids for the beginnings of some, where the platform itself does not find them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from clara_cli.errors import NotFound
from clara_cli.ids import normalise

_WHOLE = re.compile(r"[0-9a-f]{32}")


def whole(text: str, kind: str) -> str | None:
    """The id, if a text is a whole one.

    Raises:
        NotFound: it can be none.
    """
    digits = normalise(text, kind)
    return digits if _WHOLE.fullmatch(digits) else None


def among(ids: Iterable[str], text: str, kind: str) -> str:
    """The one of some ids that begins with a text, as `clara_cli.ids.resolve` finds it in the database."""
    prefix = normalise(text, kind)
    found = sorted(known for known in ids if known.startswith(prefix))
    if not found:
        raise NotFound(f'no {kind} with id "{text.strip()}"', hint=f"clara list {kind}s shows the ids", kind=kind)
    if len(found) > 1 and found[0] != prefix:
        listed = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
        raise NotFound(f'"{text.strip()}" could be more than one {kind}: {listed}', hint="give more digits")
    return found[0]
