"""What all commands share: lazy groups, global flags anywhere, and the habits of the original command line.

Those habits (it was a cobra program): flags and positionals in any order, `-n x`, `-nx`, `-n=x` and `--name=x` alike,
flags before the command they belong to, surplus positionals ignored, singular and plural resource names
interchangeable, all missing flags named at once.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clara_cli.commands.pages import write_help
from clara_cli.commands.words import offer_by_name
from clara_cli.config import Config, load_config
from clara_cli.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

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
    """`--config`, `--host` and `--verbose`, accepted before and after the command's name."""

    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value and parameter.name == "host":
            _check_host(value)
        elif value:
            setattr(
                context.ensure_object(Settings),
                "config_file" if parameter.name == "config" else "verbose",
                value,
            )

    texts = {
        "config": "config file (default is $HOME/.clara/config.yaml)",
        "host": "accepted if it is this machine: jobs run here",
    }
    function = click.option("--verbose", is_flag=True, expose_value=False, callback=keep, help="verbose output")(
        function
    )
    for name in ("host", "config"):
        function = click.option(f"--{name}", metavar="string", expose_value=False, callback=keep, help=texts[name])(
            function
        )
    return function


def _check_host(value: str) -> None:
    """Refuse to run here what was meant for another machine."""
    import socket

    name = re.sub(r"^[a-z]+://|/$", "", value.strip())
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0] if name != "::1" else name
    own = {"localhost", "::1", "0.0.0.0", socket.gethostname(), socket.getfqdn() if "." in name else ""}
    if not name or (name not in own and not name.startswith("127.")):
        raise ConfigError(
            f"--host {value}: jobs run on this machine only, not on a remote platform", "leave --host out"
        )


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


class ClaraCommand(click.Command):
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

    def invoke(self, ctx: click.Context) -> Any:
        with _as_usage(ctx):
            return super().invoke(ctx)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_help(self, ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        from clara_cli.commands.completing import complete_positional

        return [*super().shell_complete(ctx, incomplete), *complete_positional(self, ctx, incomplete)]


class UnknownCommand(click.UsageError):
    """A word that is no command of a group."""


class ClaraGroup(click.Group):
    """A group of commands.

    Args:
        table: command → (module in `clara_cli.commands`, one line of help), imported when called.
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
        offer_by_name(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        with _as_usage(ctx):
            return super().parse_args(ctx, self._flags_after_command(ctx, args))

    def _flags_after_command(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`create -n x job` as `create job -n x`: flags may stand before the command they belong to."""
        own = {name: option for option in self.get_params(ctx) for name in option.opts}
        kept: list[str] = []
        moved: list[str] = []
        rest = list(args)
        while rest and rest[0].startswith("-") and rest[0] != "--":
            word = rest.pop(0)
            option = own.get(word.partition("=")[0])
            goal = moved if option is None else kept
            goal.append(word)
            takes_value = "=" not in word and (
                not getattr(option, "is_flag", False)
                if option
                else len(rest) > 1 and self.get_command(ctx, rest[0]) is None and not rest[0].startswith("-")
            )
            if takes_value and rest and option != own.get("--help"):
                goal.append(rest.pop(0))
        if not moved or not rest or rest[0] == "--":
            return args
        return [*kept, rest[0], *moved, *rest[1:]]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.table, *super().list_commands(ctx)]

    def listing(self, ctx: click.Context) -> list[tuple[str, str]]:
        """The commands with a line of help each; none is loaded for it."""
        own = [(name, command.get_short_help_str(110)) for name, command in self.commands.items()]
        return [*((name, text) for name, (_, text) in self.table.items()), *own]

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
        if self.get_command(ctx, name) is None and not name.startswith("-") and not ctx.resilient_parsing:
            raise UnknownCommand(self._unknown(ctx, name), ctx)
        return super().resolve_command(ctx, args)

    def _unknown(self, ctx: click.Context, name: str) -> str:
        import difflib

        known = self.list_commands(ctx)
        close = difflib.get_close_matches(name, [*known, *(f"{word}s" for word in known)], 1)
        suggestion = f'; did you mean "{close[0]}"?' if close else ""
        return f'unknown command "{name}" for "{ctx.command_path}"{suggestion}'

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_help(self, ctx, formatter)


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
