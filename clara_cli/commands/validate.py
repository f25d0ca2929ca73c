"""`clara validate pipeline`."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from clara_cli.commands.base import ClaraCommand, ClaraGroup, Flag, global_options, warn
from clara_cli.commands.values import set_option
from clara_cli.errors import ClaraError, DefinitionError, UsageError
from clara_cli.home import from_home

KEYS = ("file", "line", "column", "severity", "message", "hint")


@click.group(cls=ClaraGroup, name="validate")
def command() -> None:
    """Check pipeline definitions without storing them."""


@command.command("pipeline", cls=ClaraCommand)
@click.option("-p", "--path", cls=Flag, metavar="PATH", help="The definition: a YAML file, a folder or a zip file.")
@click.option("-o", "--output", default="text", show_default=True, metavar="FORMAT", help="text or json.")
@set_option
@global_options
def pipeline(path: str, output: str, values: dict[str, str]) -> None:
    """Show all errors and warnings of a definition (also: pipelines).

    Exit status: 0 if it is valid, 1 if not. With --output json stdout holds a list of objects with the keys file,
    line, column (both from 1; 0 where there is no place), severity (error or warning), message and hint (or null).
    """
    from clara_cli.pipelines.load import load_pipeline

    if output not in ("text", "json"):
        raise UsageError(f'"{output}" is no output format: expected text or json')
    try:
        loaded = load_pipeline(from_home(path), values)
    except DefinitionError as error:
        if output == "text":
            raise
        click.echo(_as_json(error.problems or [_without_place(path, error)]))
        raise click.exceptions.Exit(1) from None
    if output == "json":
        click.echo(_as_json(loaded.warnings))
        return
    for problem in loaded.warnings:
        warn(problem.render())
    count = len(loaded.pipeline.operators)
    click.echo(f"{path}: valid, {count} operator{'' if count == 1 else 's'}")


def _as_json(problems: Sequence[object]) -> str:
    return json.dumps([{key: getattr(problem, key) for key in KEYS} for problem in problems], indent=2)


def _without_place(path: str, error: ClaraError) -> object:
    from clara_cli.pipelines.problem import Problem

    return Problem(path, 0, 0, error.message, error.hint)
