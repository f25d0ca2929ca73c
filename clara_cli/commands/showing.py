"""`--output table|json|yaml` and `--quiet`: how lists and descriptions reach stdout.

The table is for people and for `awk`; JSON and YAML hold the same as records (`clara_cli.commands.records`), whose
keys are a contract: keys are added, never renamed or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clara_cli.commands.words import WordType

if TYPE_CHECKING:
    from clara_cli.site.model import CreatedJob

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
_BRIEF = "clara_cli.brief"
FORMATS = ("table", "json", "yaml")


def output_option(function: Decorated) -> Decorated:
    """`--output FORMAT`; the command gets `output`, one of `FORMATS`."""
    return click.option(
        "-o",
        "--output",
        default="table",
        show_default=True,
        type=WordType(FORMATS, "output format"),
        metavar="FORMAT",
        help="table, json or yaml.",
    )(function)


def quiet_option(function: Decorated) -> Decorated:
    """`--quiet`; the command gets `quiet`."""
    return click.option("-q", "--quiet", is_flag=True, help="Ids only, one a line.")(function)


def brief_option(function: Decorated) -> Decorated:
    """`--quiet` of a command that does something: of what was made it prints the ids alone, else nothing."""

    def keep(context: click.Context, _: click.Parameter, value: bool) -> None:
        context.meta[_BRIEF] = value

    return click.option(
        *("-q", "--quiet"),
        is_flag=True,
        expose_value=False,
        callback=keep,
        help="On stdout only the id of what was made, else nothing.",
    )(function)


def is_brief() -> bool:
    """Whether the command is to print ids alone."""
    return bool(click.get_current_context().meta.get(_BRIEF))


def tell(text: str) -> None:
    """A line on stdout, unless the command is to be brief."""
    if not click.get_current_context().meta.get(_BRIEF):
        click.echo(text)


def tell_id(label: str, identity: str) -> None:
    """`JOB_ID: …` on stdout, or the id alone."""
    click.echo(identity if click.get_current_context().meta.get(_BRIEF) else f"{label}: {identity}")


def tell_created(created: CreatedJob) -> None:
    """A new job on stdout: scripts take the ids from the first two lines."""
    tell_id("JOB_ID", created.job_id)
    tell(f"PAYLOAD_ID: {created.payload_id}")
    if created.uploaded:
        tell("Payload uploaded successfully.")


def show(output: str, record: Callable[[], object], text: Callable[[], str]) -> None:
    """Write one description: `text` as it is, or the record as JSON or YAML. Only what is shown is made."""
    click.echo(text() if output == "table" else serialise(output, record()))


def show_list(
    output: str,
    quiet: bool,
    ids: Callable[[], Sequence[str]],
    records: Callable[[], Sequence[object]],
    text: Callable[[], str],
) -> None:
    """Write a list: its table, its ids alone (one a line, or as a JSON or YAML list), or its records."""
    show_text(listed(output, quiet, ids, records, text))


def listed(
    output: str,
    quiet: bool,
    ids: Callable[[], Sequence[str]],
    records: Callable[[], Sequence[object]],
    text: Callable[[], str],
) -> str:
    """What `show_list` writes. Only what is shown is made; nothing at all where no ids are to be shown."""
    if output != "table":
        return serialise(output, ids() if quiet else records())
    return "\n".join(ids()) if quiet else text()


def show_text(text: str) -> None:
    """Write a text that is not empty."""
    if text:
        click.echo(text)


def serialise(output: str, value: object) -> str:
    """A value of dictionaries, lists, texts, numbers and None as JSON or YAML text without a last line end."""
    if output == "json":
        import json

        return json.dumps(value, indent=2)
    import re

    import yaml

    class Dumper(yaml.SafeDumper):
        """Also quotes what YAML 1.2 takes for a number: an id may look like 12e34."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    number = re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789"))
    text: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1 << 16)
    return text.rstrip("\n")
