"""`clara pull`: what installers fetch, and pipelines from NGC."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import click

from clara_cli.commands.base import ClaraCommand, global_options, notice, settings
from clara_cli.commands.services import SERVICES
from clara_cli.config import config_path
from clara_cli.errors import NotFound, UsageError

TARGETS = {
    "platform": "platform",
    **dict.fromkeys(("dicom", "dicomadapter", "dicom-adapter"), "dicom"),
    **dict.fromkeys(("render", "renderer", "clararenderer", "clara-renderer"), "render"),
    "monitor": "monitor",
    "console": "console",
}


@click.command("pull", cls=ClaraCommand, positionals="TARGET")
@click.option("-v", "--version", metavar="VERSION", help="Accepted; there is one version of everything here.")
@click.option("-y", "--yes", is_flag=True, help="Accepted: nothing is asked.")
@global_options
@click.pass_context
def command(context: click.Context, version: str | None, yes: bool) -> None:
    """Accept what installers pull: platform, dicom, render, monitor, console. Nothing has to be fetched.

    `clara pull pipeline NAME` ends with 0 if the folder NAME is in the current folder already, else with 1: clara
    fetches nothing from NGC.
    """
    from clara_cli.config_file import ensure_folder

    if not context.args:
        raise UsageError("expected what to pull: platform, dicom, render, monitor, console, or pipeline NAME")
    target, *rest = context.args
    if target.lower() in ("pipeline", "pipelines"):
        _pipeline(rest)
        return
    service = TARGETS.get(target.lower())
    if service is None:
        near = get_close_matches(target.lower(), [*TARGETS, "pipeline"], n=1)
        raise UsageError(f'nothing to pull is called "{target}"' + (f'; did you mean "{near[0]}"?' if near else ""))
    ensure_folder(config_path(settings().config_file))
    here = "it is a part of clara" if service in ("platform", "console") else SERVICES[service].here
    notice(f"Notice: nothing was pulled: {here}.")


def _pipeline(words: list[str]) -> None:
    if not words:
        raise UsageError("expected clara pull pipeline NAME")
    folder = Path(words[0])
    if not folder.is_dir():
        raise NotFound(
            f'cannot pull the pipeline "{words[0]}": clara fetches nothing from NGC',
            hint="if you have its definition: clara create pipelines -p FILE, a folder or a zip file",
        )
    click.echo(f"Pipeline Name: {words[0]}\nDownload location: {folder.absolute()}")
    notice("Notice: nothing was pulled: the folder is here already.")
