"""`clarac`: the definition compiler. Resolves imports and placeholders and writes one document."""

from __future__ import annotations

import os
from pathlib import Path

import click

from clara_cli.cli import Program, run
from clara_cli.commands.base import ClaraCommand, Flag, global_options, warn
from clara_cli.commands.values import set_option
from clara_cli.errors import DefinitionError
from clara_cli.home import from_home


class Compiler(Program, ClaraCommand):
    """A program of one command, with the habits and the error boundary of `clara`."""


@click.command("clarac", cls=Compiler)
@click.option("-p", "--path", cls=Flag, metavar="PATH", help="The definition: a YAML file, a folder or a zip file.")
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; - or nothing: stdout.")
@click.option("--resolve-imports", is_flag=True, expose_value=False, help="Accepted; imports are always resolved.")
@set_option
@global_options
def clarac(path: str, output: str, values: dict[str, str]) -> None:
    """Check a pipeline definition and write it as one document without imports and placeholders.

    Placeholders of the job's own names (JOB_ID and the like) stay: they have no value before a job.
    """
    from clara_cli.pipelines.load import load_pipeline
    from clara_cli.pipelines.normal_form import to_text

    loaded = load_pipeline(from_home(path), values, complete=True)
    for problem in loaded.warnings:
        warn(problem.render())
    text = to_text(loaded)
    if output == "-":
        click.echo(text, nl=False)
    else:
        _write(from_home(output), text)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all; what is no regular file, such as /dev/stdout, is written into."""
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, "utf-8")
            return
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            aside.write_text(text, "utf-8")
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DefinitionError(f"cannot write {path}: {reason}") from error


def main() -> None:
    """Entry point of the installed command."""
    run(clarac, "clarac")
