"""What the shell offers when Tab is pressed: ids with their names, operators, files of a payload.

The name of a flag says what it takes (`FLAGS`); words without a flag are of the kind that the command is named after.
Nothing here may fail, print, wait long or make a root: what cannot be looked up is not offered.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from clara_cli.errors import ClaraError

if TYPE_CHECKING:
    Item = CompletionItem[str]
    Completer = Callable[[click.Context, str], Sequence[Item]]

_MOST = 200
# Seconds to wait for a writer: nobody wants to wait for Tab.
_PATIENCE = 0.5
# Other names would have to be quoted, by rules that differ from shell to shell.
_PLAIN = re.compile(r"[\w./:@%+=,-]+")
_QUERIES = {
    "job": ("SELECT id, name FROM jobs WHERE id >= ? AND id < ? ORDER BY created DESC",),
    "pipeline": ("SELECT id, name FROM pipelines WHERE id >= ? AND id < ? ORDER BY created DESC",),
    "payload": (
        "SELECT id, 'reusable' FROM payloads WHERE id >= ? AND id < ?",
        "SELECT payload_id, name FROM jobs WHERE payload_id >= ? AND payload_id < ? ORDER BY created DESC",
    ),
    "model": ("SELECT id, name FROM models WHERE id >= ? AND id < ?",),
    "image": ("SELECT name || iif(tag = '', '', ':' || tag), folder FROM images WHERE name >= ? AND name < ?",),
}


def _ids(kind: str) -> Completer:
    def complete(ctx: click.Context, incomplete: str) -> list[Item]:
        digits = incomplete if kind == "image" else incomplete.replace("-", "").lower()
        rows = [row for query in _QUERIES[kind] for row in _rows(ctx, query, digits, digits + "\U0010ffff")]
        return [CompletionItem(id, help=" ".join(str(name).split())[:60], is_id=True) for id, name in rows]

    return complete


def _operators(ctx: click.Context, incomplete: str) -> list[Item]:
    job = (
        ctx.params.get("job")
        or ctx.params.get("given")
        or next((word for word in ctx.args if word not in ("job", "jobs")), "")
    )
    if not isinstance(job, str):
        job = next(iter(job), "")
    query = "SELECT name, status FROM operators WHERE job_id >= ? AND job_id < ? ORDER BY job_id, position"
    found = _rows(ctx, query, job.lower(), job.lower() + "g")
    return [CompletionItem(name, help=status.lower()) for name, status in found if name.startswith(incomplete)]


def _source(ctx: click.Context, incomplete: str) -> list[Item]:
    """`ID:/path`: ids, then what is in the payload below the path."""
    identity, colon, path = incomplete.partition(":")
    if not colon:
        found = _ids("job")(ctx, incomplete)
        return [CompletionItem(f"{item.value}:/", type="partial", help=item.help, is_id=True) for item in found]
    digits = identity.replace("-", "").lower()
    rows = _rows(ctx, "SELECT payload_id, id FROM jobs WHERE id >= ? AND id < ?", digits, digits + "g")
    payload, job = rows[0] if rows else (digits, "")
    above, _, begun = path.rpartition("/")
    root = _root(ctx)
    if root is None or ".." in above.split("/"):
        return []
    entries = _entries(root / "payloads" / payload / above.lstrip("/"))
    if above == "/operators":  # their folders are made when they start
        query = "SELECT name, '' FROM operators WHERE job_id = ? AND name != ?"
        entries = sorted({*entries, *((name, True) for name, _ in _rows(ctx, query, job, ""))})
    return [
        CompletionItem(f"{identity}:{above}/{name}{'/' if folder else ''}", type="partial" if folder else "plain")
        for name, folder in entries
        if name.startswith(begun) and _PLAIN.fullmatch(name)
    ]


def _entries(folder: Path) -> list[tuple[str, bool]]:
    with suppress(OSError, ValueError), os.scandir(folder) as entries:
        return sorted((entry.name, entry.is_dir()) for _, entry in zip(range(_MOST), entries, strict=False))
    return []


def _files(ctx: click.Context, incomplete: str) -> list[Item]:
    return [CompletionItem(incomplete, type="file")]


def _words(*words: str) -> Completer:
    return lambda ctx, incomplete: [CompletionItem(word) for word in words if word.startswith(incomplete.lower())]


# Name of a flag, an argument or a kind of thing → what is offered for it.
FLAGS: dict[str, Completer] = {
    **{kind: _ids(kind) for kind in _QUERIES},
    **dict.fromkeys(("path", "files", "file", "config", "destination", "interpreter", "output", "to"), _files),
    "operator": _operators,
    "source": _source,
    "priority": _words("low", "normal", "high", "immediate"),
}


def complete_flag(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[Item]:
    """What can stand for the value of a flag or an argument."""
    name = next((name for name in _names(parameter) if name in FLAGS), None)
    return [*FLAGS[name](ctx, incomplete)] if name else []


def _names(parameter: click.Parameter) -> list[str]:
    return [parameter.name or "", *(word.lstrip("-") for word in parameter.opts)]


def complete_positional(command: click.Command, ctx: click.Context, incomplete: str) -> list[Item]:
    """What can stand where a command reads words without a flag: `describe job <Tab>`, `logs <Tab>`."""
    if incomplete.startswith("-") or (ctx.parent and ctx.parent.info_name in ("create", "list", "validate")):
        return []
    options = [item for item in command.params if isinstance(item, click.Option)]
    kinds = [command.name, *(name for item in options for name in _names(item))]
    kind = next((kind for kind in kinds if kind in _QUERIES), None)
    return [*FLAGS[kind](ctx, incomplete)] if kind and command.name != "run" else []


def _root(ctx: click.Context) -> Path | None:
    from clara_cli.commands.global_flags import Settings
    from clara_cli.root import locate_root

    with suppress(ClaraError, OSError):
        config = ctx.ensure_object(Settings).config()
        # Nobody wants to wait for another machine at each Tab.
        return locate_root(config) if config.host is None else None
    return None


def _rows(ctx: click.Context, query: str, *values: str) -> list[Any]:
    return list(_read(ctx, query, values))


def _read(ctx: click.Context, query: str, values: tuple[str, ...]) -> Iterator[Any]:
    root = _root(ctx)
    # A table that an older database lacks is no reason to offer nothing else.
    with suppress(sqlite3.Error):
        if root and (root / "clara.db").is_file():
            with closing(sqlite3.connect(root / "clara.db", timeout=_PATIENCE)) as connection:
                for row in connection.execute(f"{query} LIMIT {_MOST}", values):
                    if _PLAIN.fullmatch(row[0]):
                        yield row
