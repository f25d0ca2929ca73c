"""Kinds of words on the command line: what is checked of them, and what the shell offers when Tab is pressed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from clara_cli.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    Word = click.ParamType[str]
else:  # not subscriptable in older versions of click
    Word = click.ParamType


class Text(Word):
    """Any text; what the shell offers depends on the name of the flag."""

    name = "text"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        from clara_cli.commands.completing import complete_flag

        return complete_flag(ctx, param, incomplete)


class WordType(Word):
    """One of some words, in any case."""

    def __init__(self, words: Sequence[str], name: str) -> None:
        self.words = words
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word = str(value).lower()
        if word not in self.words:
            expected = f"{', '.join(self.words[:-1])} or {self.words[-1]}"
            raise UsageError(f'"{value}" is no {self.name}: expected {expected}')
        return word

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(word) for word in self.words if word.startswith(incomplete.lower())]


def offer_by_name(command: click.Command) -> None:
    """Let the plain texts among a command's flags and arguments be completed by what they are called."""
    for parameter in command.params:
        if parameter.type is click.STRING:
            parameter.type = Text()
