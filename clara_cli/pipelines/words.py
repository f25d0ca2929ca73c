"""Words for the parts and the values of a definition, as messages use them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from clara_cli.pipelines.nodes import Path

_MAX_SHOWN = 60
_SINGULAR = {"services": "service", "models": "model"} | {
    kind: f"{kind} connection" for kind in ("http", "file", "volume")
}


def found(value: Any) -> str:
    """A value as a message shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        short = value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}…"
        return json.dumps(short, ensure_ascii=False)
    return str(value)


def owner(document: Any, path: Path) -> str:
    """Whose part a path is: `the pipeline`, `operator "reader"`, `input 2 of operator "reader"`.

    Of a longer path: `http connection 1 of service 2 of operator "reader"`.
    """
    if path[:1] != ("operators",) or len(path) < 2:
        return "the pipeline" if not path else f'"{path[-1]}"'
    parts: list[str] = []
    for key, step in pairwise((*path[2:], None)):
        if isinstance(key, str) and key != "connections":
            name = _SINGULAR.get(key, key) if isinstance(step, int) else key
            parts.append(f"{name} {step + 1}" if isinstance(step, int) else name)
    return " of ".join((*reversed(parts), operator_words(document, path)))


def operator_words(document: Any, path: Path) -> str:
    """`operator "reader"`, or `operator 3` when its name cannot be used."""
    step = path[1]
    try:
        name = document["operators"][step]["name"]
    except (KeyError, IndexError, TypeError):
        name = None
    return f"operator {found(name)}" if isinstance(name, str) and name else f"operator {int(step) + 1}"
