"""What all commands share: lazy groups, global flags anywhere, and the habits of the original command line.

Those habits (it was a cobra program): flags and positionals in any order, `-n x`, `-nx`, `-n=x` and `--name=x` alike,
surplus positionals ignored, singular and plural resource names interchangeable, all missing flags named at once.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clara_cli.config import Config, load_config

if TYPE_CHECKING:
    from clara_cli.database import Database

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
HELP = {"help_option_names": ["-h", "--help"]}


@dataclass
class Settings:
    """The flags of this call that are for every command, or change the configuration."""

    config_file: str | None = None
    verbose: bool = False
    fast_io: bool = False

    def config(self) -> Config:
        config = load_config(self.config_file)
        return replace(config, fast_io=True) if self.fast_io else config

    @contextmanager
    def database(self) -> Iterator[tuple[Database, Config]]:
        """The database of the root in force, and the configuration that chose it."""
        from clara_cli.database import Database
        from clara_cli.root import choose_root

        config = self.config()
        root = choose_root(config)
        if self.verbose:
            notice(f"root: {root.path}")
        with Database(root) as database:
            yield database, config


def settings() -> Settings:
    """The global flags of the command that is running."""
    return click.get_current_context().ensure_object(Settings)


def global_options(function: Decorated) -> Decorated:
    """`--config` and `--verbose`, accepted before and after the command's name."""

    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value:
            setattr(
                context.ensure_object(Settings),
                "config_file" if parameter.name == "config" else "verbose",
                value,
            )

    function = click.option(
        "--verbose", is_flag=True, expose_value=False, callback=keep, help="More detail on stderr."
    )(function)
    return click.option(
        "--config",
        metavar="FILE",
        expose_value=False,
        callback=keep,
        help="Configuration file (default: $HOME/.clara/config.yaml).",
    )(function)


def fast_io_option(function: Decorated) -> Decorated:
    """`--fast-io`; it is part of the configuration that the command gets from `settings`."""

    def keep(context: click.Context, _: click.Parameter, value: bool) -> None:
        context.ensure_object(Settings).fast_io = value

    return click.option(
        "--fast-io",
        is_flag=True,
        expose_value=False,
        callback=keep,
        help="Operators' Python reads and writes gzip and zip files (nibabel, numpy) by faster codecs.",
    )(function)


class Flag(click.Option):
    """An option that must be given; missing ones are named all at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["help"] = f"{kwargs.get('help', '')} [required]"
        super().__init__(*args, **kwargs)


class ClaraCommand(click.Command):
    """A leaf command that tolerates what the original tolerated; surplus words are in the context's `args`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {
            **HELP,
            "allow_extra_args": True,
            **(kwargs.get("context_settings") or {}),
        }
        super().__init__(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, _without_short_equals(args))
        missing = [
            parameter
            for parameter in self.params
            if isinstance(parameter, Flag) and ctx.params.get(parameter.name or "") is None
        ]
        if missing and not ctx.resilient_parsing:
            names = ", ".join(f'"{parameter.name}"' for parameter in missing)
            raise click.UsageError(f"required flag(s) {names} not set", ctx)
        return rest


class ClaraGroup(click.Group):
    """A group of commands.

    Args:
        table: command → (module in `clara_cli.commands`, one line of help), imported when called.
        aliases: other spellings of the group's commands.
    """

    def __init__(
        self,
        *args: Any,
        table: Mapping[str, tuple[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs["context_settings"] = {**HELP, **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)
        self.table = dict(table or {})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.table, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.table:
            module = importlib.import_module(f"clara_cli.commands.{self.table[cmd_name][0]}")
            command: click.Command = module.command
            return command
        # One resource has two names; the second is the plural, and only listed as part of the first's help.
        return super().get_command(ctx, cmd_name) or super().get_command(ctx, cmd_name.removesuffix("s"))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.UsageError(self._unknown(ctx, name), ctx)
        return super().resolve_command(ctx, args)

    def _unknown(self, ctx: click.Context, name: str) -> str:
        import difflib

        known = self.list_commands(ctx)
        close = difflib.get_close_matches(name, [*known, *(f"{word}s" for word in known)], 1)
        suggestion = f'; did you mean "{close[0]}"?' if close else f"; known: {', '.join(known)}"
        return f'unknown command "{name}" for "{ctx.command_path}"{suggestion}'

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self.table:
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.table.items()])


def first_of(value: str) -> tuple[str, list[str]]:
    """The first id in a flag's value, and what else it holds: `$(…)` of two lines arrives as one argument."""
    words = value.split()
    return (words[0], words[1:]) if words else (value, [])


def is_id(word: str) -> bool:
    """Whether a word is a whole id."""
    digits = word.replace("-", "")
    return len(digits) == 32 and all(digit in "0123456789abcdefABCDEF" for digit in digits)


def _without_short_equals(args: list[str]) -> list[str]:
    """`-n=x` as `-nx`, up to a `--`."""
    end = args.index("--") if "--" in args else len(args)
    return [re.sub(r"^(-[A-Za-z])=", r"\1", word) if place < end else word for place, word in enumerate(args)]


def notice(text: str) -> None:
    """Something worth knowing, on stderr."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Something that may be wrong, on stderr."""
    click.secho("Warning: ", fg="yellow", nl=False, err=True)
    click.echo(text, err=True)
