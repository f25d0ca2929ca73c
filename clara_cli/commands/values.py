"""`--set NAME=VALUE`: values for the parameters of a pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from clara_cli.errors import UsageError

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def set_option(function: Decorated) -> Decorated:
    """The option, repeatable; the command gets `values`, a mapping of names to texts."""
    return click.option(
        "--set",
        "values",
        multiple=True,
        metavar="NAME=VALUE",
        callback=lambda _, __, words: _values(words),
        help="Value for a parameter of the pipeline (repeatable).",
    )(function)


def _values(words: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    seen: set[str] = set()
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise UsageError(f'--set "{word}": expected NAME=VALUE')
        if name.strip().casefold() in seen:
            raise UsageError(f'--set gives "{name.strip()}" two values')
        seen.add(name.strip().casefold())
        values[name.strip()] = value
    return values
