"""Words of a Dockerfile line: quotes, escapes and `${VARIABLE}` references."""

from __future__ import annotations

import re
from collections.abc import Mapping

_DOLLAR = re.compile(r"\$[A-Za-z_{]")
_REFERENCE = re.compile(
    r"\$(?:(?P<bare>[A-Za-z_]\w*)"
    r"|\{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?[-+?])(?P<word>(?:[^{}]|\$\{[^{}]*\})*))?\})"
)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace variables, then drop quotes and escapes, as an image builder does; unknown ones become empty.

    Raises:
        ValueError: a quote or a brace is not closed, or a form of reference is not known.
    """
    parts: list[str] = []
    quote = ""
    at = 0
    while at < len(text):
        piece, quote, at = _next(text, at, quote, variables)
        parts.append(piece)
    if quote:
        raise ValueError(f"the quote {quote} is not closed")
    return "".join(parts)


def _next(text: str, at: int, quote: str, variables: Mapping[str, str]) -> tuple[str, str, int]:
    """What one character (or reference) stands for, the quote in force after it, and where to go on."""
    char = text[at]
    if char in "'\"" and quote in ("", char):
        return "", "" if quote else char, at + 1
    if quote != "'" and char == "\\" and at + 1 < len(text):
        following = text[at + 1]
        kept = "\\" if quote and following not in '"$\\' else ""
        return kept + following, quote, at + 2
    if quote != "'" and _DOLLAR.match(text, at):
        return _reference(text, at, quote, variables)
    return char, quote, at + 1


def _reference(text: str, at: int, quote: str, variables: Mapping[str, str]) -> tuple[str, str, int]:
    match = _REFERENCE.match(text, at)
    if match is None:
        raise ValueError(f"cannot read the variable at '{text[at:]}'")
    value = variables.get(match["bare"] or match["name"])
    return _choose(value, match["operator"] or "", match["word"] or "", variables), quote, match.end()


def _choose(value: str | None, operator: str, word: str, variables: Mapping[str, str]) -> str:
    """`-` and `?` are for a missing value, `+` for a present one; with a colon an empty value is missing."""
    present = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return expand(word, variables) if present else ""
    if present or not operator:
        return value or ""
    if operator.endswith("?"):
        raise ValueError(f"a variable has no value: {word or 'it must be set'}")
    return expand(word, variables)
