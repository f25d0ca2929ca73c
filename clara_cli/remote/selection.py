"""Which files of a payload a pattern matches, from the list of its files. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from clara_cli.errors import NotFound
from clara_cli.payloads.download import Selection, nothing_matches
from clara_cli.payloads.pattern import Pattern
from clara_cli.payloads.tree import PayloadTree
from clara_cli.payloads.walk import Entry

_HINT = "clara describe job -j ID lists the operators"


def choose(payload_id: str, entries: Sequence[Entry], pattern: Pattern) -> Selection:
    """What a pattern matches; folders in the result are below the payload's top, a folder of its name.

    Raises:
        NotFound: nothing.
    """
    tree = PayloadTree(Path("/", payload_id))
    known = {tuple(entry.name.split("/")): entry for entry in entries if entry.fault is None}
    fixed = _spelled(known, pattern.fixed)
    if not pattern.wild and not pattern.folder and fixed in known:
        entry = known[fixed]
        one = Entry(fixed[-1], entry.size, entry.mode)
        return Selection(tree, pattern, tree.path.joinpath(*fixed[:-1]), (one,), (), single=True)
    files = tuple(
        Entry("/".join(name[len(fixed) :]), entry.size, entry.mode)
        for name, entry in known.items()
        if name[: len(fixed)] == fixed and len(name) > len(fixed) and pattern.matches(name[len(fixed) :])
    )
    if not files:
        raise NotFound(_nothing(known, pattern), hint=_HINT)
    return Selection(tree, pattern, tree.path.joinpath(*fixed), files, (), single=False)


def _spelled(known: Mapping[tuple[str, ...], Entry], names: tuple[str, ...]) -> tuple[str, ...]:
    """A path; a name in it that does not exist is taken for the one that differs by case only."""
    above: tuple[str, ...] = ()
    for name in names:
        inside = _inside(known, above)
        alike = [other for other in inside if other.casefold() == name.casefold()]
        above = (*above, alike[0] if name not in inside and len(alike) == 1 else name)
    return above


def _inside(known: Mapping[tuple[str, ...], Entry], folder: tuple[str, ...]) -> set[str]:
    """The names in a folder."""
    depth = len(folder)
    return {name[depth] for name in known if len(name) > depth and name[:depth] == folder}


def _nothing(known: Mapping[tuple[str, ...], Entry], pattern: Pattern) -> str:
    where: tuple[str, ...] = ()
    for name in pattern.fixed:
        if not _inside(known, (*where, name)):
            break
        where = (*where, name)
    return nothing_matches(pattern, where, _inside(known, where))
