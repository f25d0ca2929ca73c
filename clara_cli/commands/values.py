"""Values that several commands take: `--set NAME=VALUE`, `--priority`, the name of a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from clara_cli.commands.global_flags import Settings
from clara_cli.commands.words import WordType
from clara_cli.config import ENGINES
from clara_cli.errors import UsageError
from clara_cli.jobs.states import PRIORITY_WORDS, JobPriority

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
_LONGEST_NAME = 255


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


def priority_option(function: Decorated) -> Decorated:
    """The option; the command gets `priority`, a JobPriority."""
    return click.option(
        "-i",
        "--priority",
        default="normal",
        show_default=True,
        metavar="PRIORITY",
        callback=lambda _, __, word: _priority(word),
        help="low, normal, high or immediate.",
    )(function)


def reuse_option(function: Decorated) -> Decorated:
    """The option; the command gets `reuse`."""
    return click.option(
        "--reuse",
        is_flag=True,
        help="Do not run operators that an earlier job ran well, with the same program, values and input.",
    )(function)


def engine_option(function: Decorated) -> Decorated:
    """The option; it is part of the configuration that the command gets from `settings`."""

    def keep(context: click.Context, _: click.Parameter, value: str | None) -> None:
        context.ensure_object(Settings).engine = value

    return click.option(
        "--engine",
        metavar="ENGINE",
        type=WordType(ENGINES, "engine"),
        expose_value=False,
        callback=keep,
        help="local (this machine) or slurm (a cluster's nodes); `engine` in the configuration is the default.",
    )(function)


def _priority(word: str) -> JobPriority:
    if word.lower() not in PRIORITY_WORDS:
        raise UsageError(f'"{word}" is no priority: expected low, normal, high or immediate')
    return PRIORITY_WORDS[word.lower()]


def check_job_name(name: str) -> None:
    """Raise UsageError when a job cannot be called this."""
    if not name.strip() or len(name) > _LONGEST_NAME:
        raise UsageError(f"the name of a job has 1 to {_LONGEST_NAME} characters, not {len(name.strip())}")
    if not name.isprintable() and any("\ud800" <= character <= "\udfff" for character in name):
        raise UsageError("the name of a job must be UTF-8 text")


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
