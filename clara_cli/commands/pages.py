"""Help pages and the usage block under an error, in the layout of the original's library (cobra).

Usage:
  clara create job [flags]

Flags:
  -n, --name NAME   Name of the job. [required]
  -h, --help        help for job

Global Flags:
      --config string   config file (default is $HOME/.clara/config.yaml)
      --verbose         verbose output
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from inspect import cleandoc

import click
from click import formatting

GLOBAL = ("config", "host", "verbose")
_WIDTH = 110


class Page(click.HelpFormatter):
    """As wide as the terminal, up to 78 columns. Asked here, because the module that click asks takes long to load."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        if width is None and formatting.FORCED_WIDTH is None:  # which click's test runner sets
            width = max(min(_terminal_width(), max_width or 80) - 2, 50)
        super().__init__(indent_increment, width, max_width)


def _terminal_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return 80


def write_help(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """A whole page: what the command does, then its usage block."""
    text = cleandoc(command.help or "").partition("\f")[0]
    if text:
        formatter.write_text(text)
        formatter.write("\n")
    write_usage(command, ctx, formatter, examples=True)


def usage_text(command: click.Command, ctx: click.Context) -> str:
    """The usage block alone."""
    formatter = ctx.make_formatter()
    write_usage(command, ctx, formatter)
    return formatter.getvalue().rstrip("\n")


def write_usage(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter, examples: bool = False
) -> None:
    """Usage, examples, commands, flags, global flags."""
    is_group = isinstance(command, click.Group)
    words = ["[command]"] if is_group else [*_arguments(command), "[flags]"]
    formatter.write(f"Usage:\n  {' '.join((ctx.command_path, *words))}\n")
    if isinstance(command, click.Group) and command.invoke_without_command:
        formatter.write(f"  {ctx.command_path} [flags]\n")
    if examples and (example := _example(ctx)):
        formatter.write("\nExamples:\n")
        formatter.write("".join(f"  {line}\n" if line else "\n" for line in example.splitlines()))
    if isinstance(command, click.Group):
        listing = getattr(command, "listing", None)
        rows = listing(ctx) if listing else [(n, c.get_short_help_str(_WIDTH)) for n, c in command.commands.items()]
        _section("Available Commands", rows, formatter)
        if plugins := command.plugins(ctx) if hasattr(command, "plugins") else []:
            width = max(len(word) for word, _ in plugins)
            formatter.write("\nPlugins:\n" + "".join(f"  {word:<{width}}   {path}\n" for word, path in plugins))
    own = [item for item in command.get_params(ctx) if isinstance(item, click.Option) and not item.hidden]
    inherited = [item for item in own if item.name in GLOBAL and ctx.parent is not None]
    _section("Flags", [_flag(item, ctx) for item in own if item not in inherited], formatter)
    _section("Global Flags", [_flag(item, ctx) for item in inherited], formatter)
    if is_group:
        formatter.write(f'\nUse "{ctx.command_path} [command] --help" for more information about a command.\n')


def _arguments(command: click.Command) -> list[str]:
    metavar = getattr(command, "positionals", None)
    return [
        *([metavar] if metavar else []),
        *(
            item.metavar or f"[{(item.name or '').upper()}]"
            for item in command.params
            if isinstance(item, click.Argument)
        ),
    ]


def _example(ctx: click.Context) -> str:
    from clara_cli.commands.examples import EXAMPLES

    return EXAMPLES.get(" ".join(ctx.command_path.split()[1:]), "")


def _flag(option: click.Option, ctx: click.Context) -> tuple[str, str]:
    if "--help" in option.opts:
        return "-h, --help", f"help for {ctx.info_name}"
    names, text = option.get_help_record(ctx) or ("", "")
    text = re.sub(r"\.?\s+\[default: (.*)\]$", r" (default \1)", text)
    # A flag without a short name stands under the long names of the others.
    return (names if names.startswith("-") and not names.startswith("--") else f"    {names}"), text


def _section(title: str, rows: Iterable[tuple[str, str]], formatter: click.HelpFormatter) -> None:
    rows = list(rows)
    if rows:
        formatter.write(f"\n{title}:\n")
        with formatter.indentation():
            formatter.write_dl(rows, col_max=36, col_spacing=3)


def in_its_words(error: click.UsageError) -> str:
    """The parser's message as the original's library puts it."""
    if isinstance(error, click.NoSuchOption):
        name = error.option_name
        near = f'; did you mean "{min(error.possibilities, key=len)}"?' if error.possibilities else ""
        if name.startswith("--"):
            return f"unknown flag: {name}{near}"
        return f"unknown shorthand flag: '{name.lstrip('-')}' in {name}{near}"
    if isinstance(error, click.BadOptionUsage) and "requires an argument" in error.message:
        name = error.option_name
        return f"flag needs an argument: {name if name.startswith('--') else repr(name[1:]) + ' in ' + name}"
    message = error.format_message()
    if isinstance(error, click.BadParameter | click.BadOptionUsage):
        return message[:1].lower() + message[1:].removesuffix(".")
    return message
