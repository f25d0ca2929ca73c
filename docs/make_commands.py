"""Writes docs/commands.md from the help pages: `python docs/make_commands.py`; a test compares them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

PAGE = Path(__file__).with_name("commands.md")
INTRODUCTION = """\
# Commands

Made from the help pages by `docs/make_commands.py`. Resource names are accepted in singular and plural (`job`,
`jobs`), flags in any order and before the command they belong to, ids as unique first digits. Exit status: 0, 1 for a
command or a job that failed, 2 for a wrong command line (`Error: …` and the usage block on stderr), 130/143/129 for a
job cancelled by Ctrl-C/SIGTERM/SIGHUP. stdout holds data only; progress, notices, warnings and errors are on stderr.

A word that is no command runs the executable `clara-WORD` found on PATH, a plugin, with the remaining arguments.
JSON and YAML: [output.md](output.md).
"""


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command, a group before what is in it."""
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


def render() -> str:
    """The page's text; the same on every machine."""
    from clara_cli.clarac import clarac
    from clara_cli.cli import cli

    before = dict(os.environ)
    os.environ.update(COLUMNS="100", PATH="")
    try:
        pages = [("clara", *words) for words in commands(cli)]
        parts = [INTRODUCTION]
        for words in (*pages, ("clarac",)):
            program = clarac if words == ("clarac",) else cli
            shown = CliRunner().invoke(program, [*words[1:], "--help"], prog_name=words[0])
            assert shown.exit_code == 0, (words, shown.output)
            parts.append(f"## {' '.join(words)}\n\n```\n{shown.stdout.rstrip()}\n```\n")
    finally:
        os.environ.clear()
        os.environ.update(before)
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(PAGE.write_text(render(), "utf-8") == 0)
