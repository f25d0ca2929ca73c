"""What all commands share: lazy groups, global flags anywhere, and the habits of the original command line.

Those habits (it was a cobra program): flags and positionals in any order, `-n x`, `-nx`, `-n=x` and `--name=x` alike,
flags before the command they belong to, surplus positionals ignored, singular and plural resource names
interchangeable, all missing flags named at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from clara_cli.commands.global_flags import Settings, fast_io_option, global_options, notice, settings, warn
from clara_cli.commands.pages import Page, write_help
from clara_cli.commands.spelling import first_of, flags_after_command, is_id, without_short_equals
from clara_cli.commands.words import offer_by_name
from clara_cli.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "ClaraCommand",
    "ClaraGroup",
    "Flag",
    "Settings",
    "UnknownCommand",
    "fast_io_option",
    "first_of",
    "global_options",
    "is_id",
    "notice",
    "settings",
    "warn",
]
HELP = {"help_option_names": ["-h", "--help"]}


class Flag(click.Option):
    """An option that must be given; missing ones are named all at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["help"] = f"{kwargs.get('help', '')} [required]"
        super().__init__(*args, **kwargs)


class _Context(click.Context):
    formatter_class = Page


class _Helped(click.Command):
    """Help: its flag (click's own asks for a translation of a text that is not shown) and its pages."""

    context_class = _Context

    _help_flag: click.Option | None = None

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        if self._help_flag is None:
            taken = {name for parameter in self.params for name in parameter.opts}
            names = [name for name in HELP["help_option_names"] if name not in taken]
            self._help_flag = click.Option(
                [*names, "help_page"], is_flag=True, is_eager=True, expose_value=False, callback=_show_help
            )
        return self._help_flag

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_help(self, ctx, formatter)


def _show_help(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


@contextmanager
def _as_usage(ctx: click.Context) -> Iterator[None]:
    """Give an error about the command line the command it is about, whose usage is shown with it."""
    try:
        yield
    except click.UsageError as error:
        error.ctx = error.ctx or ctx
        raise
    except UsageError as error:
        text = f"{error.message}\n{error.hint}" if error.hint else error.message
        raise click.UsageError(text, ctx) from error


class ClaraCommand(_Helped):
    """A leaf command that tolerates what the original tolerated; surplus words are in the context's `args`.

    Args:
        positionals: what the usage line says of such words, where the command reads them.
    """

    def __init__(self, *args: Any, positionals: str | None = None, **kwargs: Any) -> None:
        kwargs["context_settings"] = {
            **HELP,
            "allow_extra_args": True,
            **(kwargs.get("context_settings") or {}),
        }
        super().__init__(*args, **kwargs)
        self.positionals = positionals
        offer_by_name(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with _as_usage(ctx):
            rest = super().parse_args(ctx, without_short_equals(args))
        missing = [
            parameter
            for parameter in self.params
            if isinstance(parameter, Flag) and ctx.params.get(parameter.name or "") is None
        ]
        if missing and not ctx.resilient_parsing:
            names = ", ".join(f'"{parameter.name}"' for parameter in missing)
            raise click.UsageError(f"required flag(s) {names} not set", ctx)
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        with _as_usage(ctx):
            return super().invoke(ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        from clara_cli.commands.completing import complete_positional

        return [*super().shell_complete(ctx, incomplete), *complete_positional(self, ctx, incomplete)]


class UnknownCommand(click.UsageError):
    """A word that is no command of a group."""


class ClaraGroup(_Helped, click.Group):
    """A group of commands.

    Args:
        table: command → (module in `clara_cli.commands`, one line of help), imported when called; `module:name` where
            the command is not called `command` there.
    """

    plurals = True

    def __init__(
        self,
        *args: Any,
        table: Mapping[str, tuple[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs["context_settings"] = {**HELP, **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)
        self.table = dict(table or {})
        offer_by_name(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        with _as_usage(ctx):
            return super().parse_args(ctx, flags_after_command(self, ctx, args))

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = [*self.table, *super().list_commands(ctx)]
        return sorted(names) if self.plurals else names

    def listing(self, ctx: click.Context) -> list[tuple[str, str]]:
        """The commands with a line of help each; none is loaded for it."""
        own = [(name, command.get_short_help_str(110)) for name, command in self.commands.items()]
        return [*((name, text) for name, (_, text) in self.table.items()), *own]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # One resource has two names; the second is the plural, and only listed as part of the first's help.
        return self._find(ctx, cmd_name) or (self._find(ctx, cmd_name.removesuffix("s")) if self.plurals else None)

    def _find(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.table:
            return super().get_command(ctx, name)
        module, _, attribute = self.table[name][0].partition(":")
        command: click.Command = getattr(import_module(f"clara_cli.commands.{module}"), attribute or "command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-") and not ctx.resilient_parsing:
            raise UnknownCommand(self._unknown(ctx, name), ctx)
        return super().resolve_command(ctx, args)

    def _unknown(self, ctx: click.Context, name: str) -> str:
        import difflib

        known = self.list_commands(ctx)
        close = difflib.get_close_matches(name, [*known, *(f"{word}s" for word in known)], 1)
        suggestion = f'; did you mean "{close[0]}"?' if close else ""
        return f'unknown command "{name}" for "{ctx.command_path}"{suggestion}'
