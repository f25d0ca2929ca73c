"""How the original (a cobra program) let its command line be spelled, where click is stricter."""

from __future__ import annotations

import click


def flags_after_command(group: click.Group, ctx: click.Context, args: list[str]) -> list[str]:
    """`create -n x job` as `create job -n x`: flags may stand before the command they belong to.

    A word after a flag that the group does not know is its value, unless it is a command of the group.
    """
    own = {name: option for option in group.get_params(ctx) for name in option.opts}
    kept: list[str] = []
    moved: list[str] = []
    rest = list(args)
    while rest and rest[0].startswith("-") and rest[0] != "--":
        word = rest.pop(0)
        option = own.get(word.partition("=")[0])
        goal = moved if option is None else kept
        goal.append(word)
        if "=" in word or not rest:
            continue
        if option is not None:
            takes_value = not getattr(option, "is_flag", False)
        else:
            takes_value = len(rest) > 1 and not rest[0].startswith("-") and group.get_command(ctx, rest[0]) is None
        if takes_value:
            goal.append(rest.pop(0))
    if not moved or not rest or rest[0] == "--":
        return args
    return [*kept, rest[0], *moved, *rest[1:]]


def without_short_equals(args: list[str]) -> list[str]:
    """`-n=x` as `-nx`, up to a `--`."""
    end = args.index("--") if "--" in args else len(args)
    return [
        word[:2] + word[3:] if place < end and word[2:3] == "=" and _is_short(word[:2]) else word
        for place, word in enumerate(args)
    ]


def _is_short(flag: str) -> bool:
    return flag[0] == "-" and flag[1].isascii() and flag[1].isalpha()


def first_of(value: str) -> tuple[str, list[str]]:
    """The first id in a flag's value, and what else it holds: `$(…)` of two lines arrives as one argument."""
    words = value.split()
    return (words[0], words[1:]) if words else (value, [])


def is_id(word: str) -> bool:
    """Whether a word is a whole id."""
    digits = word.replace("-", "")
    return len(digits) == 32 and all(digit in "0123456789abcdefABCDEF" for digit in digits)
