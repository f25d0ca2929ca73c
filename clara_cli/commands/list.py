"""`clara list pipelines|jobs|images|payloads|models`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from clara_cli.commands import model, payload
from clara_cli.commands.base import ClaraCommand, ClaraGroup, global_options, settings
from clara_cli.commands.showing import output_option, quiet_option, show_list
from clara_cli.output import table, utc

if TYPE_CHECKING:
    from clara_cli.jobs.model import Job


@click.group(cls=ClaraGroup, name="list")
@global_options
def command() -> None:
    """List pipelines, jobs, images, payloads or models, newest first."""


command.add_command(model.list_models)
command.add_command(payload.list_payloads)


@command.command("pipeline", cls=ClaraCommand)
@quiet_option
@output_option
@global_options
def pipeline(quiet: bool, output: str) -> None:
    """List the stored pipelines (also: pipelines)."""
    from clara_cli.commands.records import pipeline_record

    with settings().site() as site:
        found = site.pipelines.list()
    show_list(
        output,
        quiet,
        lambda: [record.id for record in found],
        lambda: [pipeline_record(record) for record in found],
        lambda: table(["NAME", "ID"], [(record.name, record.id) for record in found]),
    )


@command.command("job", cls=ClaraCommand)
@quiet_option
@output_option
@global_options
def job(quiet: bool, output: str) -> None:
    """List all jobs (also: jobs)."""
    from clara_cli.commands.records import job_record

    with settings().site() as site:
        found = site.jobs.list()
    show_list(
        output,
        quiet,
        lambda: [job.id for job in found],
        lambda: [job_record(job) for job in found],
        lambda: _job_table(found),
    )


def _job_table(found: Sequence[Job]) -> str:
    header = ["NAME", "ID", "PIPELINE", "STATE", "STATUS", "PRIORITY", "CREATED", "STARTED", "STOPPED"]
    rows = [
        (
            *(job.name, job.id, job.pipeline_id, job.state.wire, job.status.wire, job.priority.wire),
            *(utc(job.created), utc(job.started), utc(job.stopped)),
        )
        for job in found
    ]
    return table(header, rows)


@command.command("image", cls=ClaraCommand)
@click.option("-q", "--quiet", is_flag=True, help="Names only, one a line.")
@output_option
@global_options
def image(quiet: bool, output: str) -> None:
    """List the registered images (also: images)."""
    from clara_cli.commands.records import image_record

    with settings().site() as site:
        found = site.images.list()
    rows = [(image.reference, image.folder, image.interpreter, "yes" if image.uses_driver else "no") for image in found]
    show_list(
        output,
        quiet,
        lambda: [str(image.reference) for image in found],
        lambda: [image_record(image) for image in found],
        lambda: table(["NAME", "FOLDER", "PYTHON", "DRIVER"], rows),
    )
