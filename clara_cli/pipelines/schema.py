"""What the JSON Schema says of a document, in words and with places.

The schema's own `errorMessage` texts say what was expected, so an editor and the command speak alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from clara_cli.pipelines import versions
from clara_cli.pipelines.document import Document
from clara_cli.pipelines.faults import Faults
from clara_cli.pipelines.nearest import Nearest
from clara_cli.pipelines.nodes import Path
from clara_cli.pipelines.schema_files import COMMON, PIPELINE, schemas
from clara_cli.pipelines.words import found, owner

_TYPES = {
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "integer": "a whole number",
    "number": "a number",
}
_VERSION: Path = ("api-version",)


def check(document: Document, faults: Faults, nearest: Nearest) -> None:
    """Record every violation of the schema, one for each place."""
    forbidden: set[tuple[Path, str]] = set()
    for error in validator().iter_errors(document.value):
        path = tuple(error.absolute_path)
        # Which rules hold depends on the version; a wrong one says nothing about them.
        if error.absolute_schema_path[0] == "allOf" and faults.touches(_VERSION):
            continue
        if error.validator == "required":
            _missing(document, faults, path, error)
        elif error.validator == "not":
            mark = (path[:-1], error.schema["errorMessage"])
            if mark not in forbidden:
                forbidden.add(mark)
                _forbidden(document, faults, path, error)
        elif "propertyNames" in error.absolute_schema_path:
            _value(document, faults, nearest, (*path, error.instance), error, key=True)
        else:
            _value(document, faults, nearest, path, error)


@lru_cache(maxsize=1)
def validator() -> Any:
    """The validator of pipeline documents."""
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    # With `$schema` in them, a reference from file to file would leave the extended validator for the plain one.
    plain = {
        name: {key: _filled(part) for key, part in schema.items() if key != "$schema"}
        for name, schema in schemas().items()
    }
    plain[COMMON]["$defs"]["placeholder"] = False
    registry: Registry[Any] = Registry().with_resources(
        (name, DRAFT202012.create_resource(schema)) for name, schema in plain.items()
    )
    kind = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
    return kind(plain[PIPELINE], registry=registry)


def _filled(schema: Any) -> Any:
    """A part of the schemas for documents whose placeholders are filled; editors see them before that.

    What a place wants besides a placeholder stands in its `else`. One that is filled later is judged by nobody, so
    nothing is excused for looking like a placeholder.
    """
    if isinstance(schema, list):
        return [_filled(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: _filled(part) for key, part in schema.items()}
    if str(parts.get("if", {}).get("$ref", "")).endswith("/placeholder"):
        del parts["if"]
        parts.update(parts.pop("else"))
    return parts


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[Any]:
    """`pattern` as JSON Schema means it: `$` is the end, not also the place before a last line end."""
    from jsonschema import ValidationError

    if isinstance(instance, str) and not re.search(re.sub(r"(?<!\\)\$(?=$|\))", r"\\Z", pattern), instance):
        yield ValidationError("does not match")


def _missing(document: Document, faults: Faults, path: Path, error: Any) -> None:
    for key in error.validator_value:
        # The place of the missing key is its owner's; recorded as its own path, it hides no neighbour.
        if key not in error.instance and not faults.covers((*path, key)):
            message = f'{owner(document.value, path)} has no "{key}"'
            faults.add((*path, key), document.problem(path, message, error.schema.get("errorMessage")))


def _forbidden(document: Document, faults: Faults, path: Path, error: Any) -> None:
    if not faults.covers(path):
        message = f"{path[-1]}: {error.schema['errorMessage']}"
        faults.add(path, document.problem(path, message, key=True))


def _value(document: Document, faults: Faults, nearest: Nearest, path: Path, error: Any, *, key: bool = False) -> None:
    if faults.covers(path) and not _never_fits(faults, path, error):
        return
    what = next((f"{step}: " for step in reversed(path) if isinstance(step, str)), "")
    if key:
        what = "name of a value: "
    message = f"{what}found {found(error.instance)}, {_expected(error)}"
    faults.add(path, document.problem(path, message, _hint(nearest, path, error), key=key))


def _never_fits(faults: Faults, path: Path, error: Any) -> bool:
    """Whether a value that is not known yet is wrong whatever it will be: a text where a list has to stand."""
    kinds = set(_types(error))
    return faults.is_open(path) and error.validator == "type" and kinds.isdisjoint(("string", "number", "integer"))


def _hint(nearest: Nearest, path: Path, error: Any) -> str | None:
    if path == _VERSION:
        return versions.advice(error.instance)
    if error.validator == "enum":
        return nearest.hint(error.instance, error.validator_value)
    if isinstance(error.instance, str) and "array" in _types(error):
        return "write a list: one item on each line, after a hyphen"
    return None


def _expected(error: Any) -> str:
    text = error.schema.get("errorMessage")
    if isinstance(text, str):
        return text
    if error.validator == "type":
        kinds = _types(error)
        return f"expected {'a single value' if 'boolean' in kinds else _TYPES.get(kinds[0], kinds[0])}"
    if error.validator in ("minLength", "minItems"):
        return "expected at least one character" if error.validator == "minLength" else "expected at least one item"
    return f"expected {error.validator} {error.validator_value}"


def _types(error: Any) -> list[str]:
    kinds = error.schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)
