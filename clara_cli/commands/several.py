"""What commands for several jobs (or other things) at once share: which ones are meant, and their failures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import click

from clara_cli.errors import ClaraError, UsageError

Item = TypeVar("Item")
Made = TypeVar("Made")


def ids_option(letter: str, kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`-j ID`, which may be given several times."""
    return click.option(
        f"-{letter}",
        f"--{kind}",
        "given",
        multiple=True,
        metavar="ID",
        help=f"A {kind}, by id or the first digits of it; may be repeated.",
    )


def meant(context: click.Context, given: Sequence[str], kind: str) -> list[str]:
    """All ids of a call, from the flag and from the words behind the command; UsageError when there is none."""
    words = list(context.args)
    if words and words[0] in (kind, f"{kind}s"):
        words = words[1:]  # `clara cancel job ID` is `clara cancel ID`
    found = list(dict.fromkeys(word for text in (*given, *words) for word in text.split()))
    if not found:
        raise UsageError(f"say which {kind}: {context.command_path} {kind.upper()}_ID ...")
    return found


def each(items: Iterable[Item], action: Callable[[Item], Made]) -> tuple[list[Made], bool]:
    """Do something with every item, whatever happens to the others; what fails is said on stderr.

    Returns:
        what came of it, and whether all went well.
    """
    from clara_cli.cli import report

    made, well = [], True
    for item in items:
        try:
            made.append(action(item))
        except ClaraError as error:
            report(error.message, error.hint)
            well = False
    return made, well
