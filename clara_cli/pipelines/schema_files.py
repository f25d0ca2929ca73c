"""The JSON Schemas of the language, as values; `jsonschema` is not needed to read them."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

PIPELINE = "pipeline.schema.json"
COMMON = "common.schema.json"


@lru_cache(maxsize=1)
def schemas() -> dict[str, dict[str, Any]]:
    """All schemas by file name; references between them are relative file names."""
    return {
        entry.name: json.loads(entry.read_text(encoding="utf-8"))
        for entry in _folder().iterdir()
        if entry.name.endswith(".schema.json")
    }


def resolve(schema: dict[str, Any], file: str) -> tuple[dict[str, Any], str]:
    """A schema with its `$ref` followed, and the file it is in; keys beside the `$ref` win."""
    while "$ref" in schema:
        name, _, pointer = schema["$ref"].partition("#")
        file = name or file
        target: dict[str, Any] = schemas()[file]
        for step in pointer.split("/")[1:]:
            target = target[step]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema, file


def _folder() -> Any:
    try:
        return resources.files("clara_cli.schemas")
    except ModuleNotFoundError:
        # A bare checkout: the folder has its place in the package only once that is installed.
        return Path(__file__).resolve().parents[2] / "schemas"
