"""`clara delete job|pipeline|image|payload|model`.

On a terminal deleting asks first, unless `-y` is given; scripts have no terminal and are not asked, as with the
original, which had no such question.
"""

from __future__ import annotations

import click

from clara_cli.commands import model, payload
from clara_cli.commands.base import ClaraCommand, ClaraGroup, global_options, notice, settings
from clara_cli.commands.several import ids_option, meant
from clara_cli.commands.showing import brief_option, tell
from clara_cli.commands.transfer import confirm, on_terminal
from clara_cli.errors import UsageError


@click.group(cls=ClaraGroup, name="delete")
@global_options
def command() -> None:
    """Delete jobs, pipelines, images, payloads and models."""


command.add_command(model.delete)
command.add_command(payload.delete)


_YES = click.option("-y", "--yes", is_flag=True, help="Do not ask (without a terminal nothing is asked).")


@command.command("job", cls=ClaraCommand)
@ids_option("j", "job")
@click.option("--keep-payload", is_flag=True, help="Leave the payload's files where they are.")
@_YES
@brief_option
@global_options
@click.pass_context
def job(context: click.Context, given: tuple[str, ...], keep_payload: bool, yes: bool) -> None:
    """Delete jobs with their logs and payloads, all or none (also: jobs): clara delete jobs ID ...

    Jobs that run or wait for their turn are refused: cancel them first. What was deleted cannot be brought back.
    """
    texts = meant(context, given, "job")
    with settings().site() as site:
        found = site.jobs.deletable(texts)
        what = "their logs" if keep_payload else "their logs and payloads"
        _ask(yes, [f"job {job.id} ({' '.join(job.name.split())})" for job in found], f", with {what}")
        kept = site.jobs.delete(found, keep_payload=keep_payload)
    for job in found:
        tell(f"Deleted job {job.id}.")
    for folder in kept:
        notice(f"Payload folder: {folder}")


@command.command("pipeline", cls=ClaraCommand)
@ids_option("p", "pipeline")
@_YES
@brief_option
@global_options
@click.pass_context
def pipeline(context: click.Context, given: tuple[str, ...], yes: bool) -> None:
    """Delete stored pipelines, all or none (also: pipelines): clara delete pipelines ID ...

    Jobs that were made of them stay, and can run: each has its own copy of the definition.
    """
    texts = meant(context, given, "pipeline")
    with settings().site() as site:
        found = {record.id: record.name for record in map(site.pipelines.describe, texts)}
        _ask(yes, [f"pipeline {pipeline_id} ({name})" for pipeline_id, name in found.items()])
        site.pipelines.delete(list(found))
    for pipeline_id in found:
        tell(f"Deleted pipeline {pipeline_id}.")


def _ask(yes: bool, things: list[str], more: str = "") -> None:
    """Let the user say no; whoever has no terminal is not asked."""
    if not yes and on_terminal():
        notice("\n".join(things if len(things) <= 10 else [*things[:9], f"and {len(things) - 9} more"]))
    confirm(f"Delete {'this' if len(things) == 1 else f'these {len(things)}'}{more}?", yes)


@command.command("image", cls=ClaraCommand)
@click.option("-n", "--name", metavar="NAME[:TAG]", help="The image.")
@brief_option
@global_options
@click.pass_context
def image(context: click.Context, name: str | None) -> None:
    """Forget registered images, all or none (also: images). Their folders are left alone."""
    names = [*([name] if name else []), *context.args]
    if not names:
        raise UsageError("say which image: clara delete images NAME[:TAG] ...")
    with settings().site() as site:
        found = site.images.delete(names)
    for image in found:
        tell(f"Deleted image {image.reference}.")
