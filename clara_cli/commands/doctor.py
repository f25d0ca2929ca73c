"""`clara doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clara_cli.commands.base import ClaraCommand, global_options, settings
from clara_cli.commands.showing import output_option, serialise

if TYPE_CHECKING:
    from clara_cli.doctor.finding import Finding

_COLOURS = {"ok": "green", "note": None, "warning": "yellow", "error": "red"}
_WIDTH = 13


@click.command("doctor", cls=ClaraCommand)
@click.option("-q", "--quiet", is_flag=True, help="Warnings and errors only.")
@output_option
@global_options
def command(quiet: bool, output: str) -> None:
    """Say what on this machine would make jobs fail, and what to do about it. Nothing is changed.

    Exit status: 1 if something would make jobs fail (error), else 0. Warnings concern some jobs only.
    """
    from clara_cli.doctor.examine import examine

    settings().check_here()
    found = []
    for finding in examine(settings().config_file):
        if quiet and finding.level.value in ("ok", "note"):
            continue
        found.append(finding)
        if output == "table":
            _show(finding)
    failed = any(finding.level.value == "error" for finding in found)
    if output != "table":
        click.echo(serialise(output, {"ok": not failed, "findings": [_record(finding) for finding in found]}))
    if failed:
        raise click.exceptions.Exit(1)


def _record(finding: Finding) -> dict[str, str | None]:
    return {
        "check": finding.check,
        "level": finding.level.value,
        "text": finding.text,
        "advice": finding.advice,
    }


def _show(finding: Finding) -> None:
    level = finding.level.value
    click.secho(f"{level:<8}", fg=_COLOURS[level], nl=False)
    click.echo(f" {finding.check:<{_WIDTH}}  {finding.text}")
    if finding.advice:
        click.echo(f"{'':{_WIDTH + 9}}  → {finding.advice}")
