"""`clara list pipelines|jobs|images|payloads|models`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from clara_cli.commands import model, payload
from clara_cli.commands.base import ClaraCommand, ClaraGroup, global_options, settings
from clara_cli.output import table, utc

_QUIET = click.option("-q", "--quiet", is_flag=True, help="Ids only, one a line.")


@click.group(cls=ClaraGroup, name="list")
@global_options
def command() -> None:
    """List pipelines, jobs, images, payloads or models, newest first."""


command.add_command(model.list_models)
command.add_command(payload.list_payloads)


@command.command("pipeline", cls=ClaraCommand)
@_QUIET
@global_options
def pipeline(quiet: bool) -> None:
    """List the stored pipelines (also: pipelines)."""
    from clara_cli.pipelines.store import list_pipelines

    with settings().database() as (database, _), database.read() as connection:
        found = list_pipelines(connection)
    _show(["NAME", "ID"], [(record.name, record.id) for record in found], 1, quiet)


@command.command("job", cls=ClaraCommand)
@_QUIET
@global_options
def job(quiet: bool) -> None:
    """List all jobs (also: jobs)."""
    from clara_cli.jobs.recovery import recover
    from clara_cli.jobs.store import list_jobs

    with settings().database() as (database, _):
        recover(database)
        with database.read() as connection:
            found = list_jobs(connection)
    header = ["NAME", "ID", "PIPELINE", "STATE", "STATUS", "PRIORITY", "CREATED", "STARTED", "STOPPED"]
    rows = [
        (
            *(job.name, job.id, job.pipeline_id, job.state.wire, job.status.wire, job.priority.wire),
            *(utc(job.created), utc(job.started), utc(job.stopped)),
        )
        for job in found
    ]
    _show(header, rows, 1, quiet)


@command.command("image", cls=ClaraCommand)
@click.option("-q", "--quiet", is_flag=True, help="Names only, one a line.")
@global_options
def image(quiet: bool) -> None:
    """List the registered images (also: images)."""
    from clara_cli.images.store import registered_images

    with settings().database() as (database, _), database.read() as connection:
        found = registered_images(connection)
    rows = [(image.reference, image.folder, image.interpreter, "yes" if image.uses_driver else "no") for image in found]
    _show(["NAME", "FOLDER", "PYTHON", "DRIVER"], rows, 0, quiet)


def _show(header: list[str], rows: Sequence[tuple[object, ...]], key: int, quiet: bool) -> None:
    if not quiet:
        click.echo(table(header, rows))
    elif rows:
        click.echo("\n".join(str(row[key]) for row in rows))
