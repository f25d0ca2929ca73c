"""`clara dicom`: start and stop, and the entries that the adapter's documents tell users to make."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, ClaraGroup, global_options
from clara_cli.commands.services import SERVICES, say_nothing_done, service_group

_DESCRIPTION = "Accepted in every documented form, exit status 0; nothing is kept: there is no DICOM adapter."
command = service_group("dicom")


class _Create(ClaraGroup):
    """`dicom create -a …`, as one revision of the documents has it, is `dicom create src -a …`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        kind = next((word for word in args if self.get_command(ctx, word)), None)
        asks_help = not args or {"-h", "--help"} & set(args)
        return super().parse_args(ctx, args if kind or asks_help or ctx.resilient_parsing else ["src", *args])


@command.group("create", cls=_Create, help=_DESCRIPTION)
@global_options
def create() -> None: ...


def _add(kind: str, text: str) -> None:
    @create.command(kind, cls=ClaraCommand, positionals="[KEY=VALUE]...", help=f"{text} {_DESCRIPTION}")
    @click.option("-a", "--aetitle", metavar="TITLE", help="AE title, at most 16 characters.")
    @click.option("-i", "--ip", metavar="ADDRESS", help="Host name or address.")
    @click.option("-n", "--name", metavar="NAME", help="Name of the entry.")
    @click.option("-p", "--port", metavar="PORT", help="Port.")
    @global_options
    def _run(aetitle: str | None, ip: str | None, name: str | None, port: str | None) -> None:
        say_nothing_done(SERVICES["dicom"], "created")


_add("aetitle", "An AE title of the adapter, and the pipelines of it.")
_add("src", "Who may send to the adapter.")
_add("dest", "Where results may be sent.")
