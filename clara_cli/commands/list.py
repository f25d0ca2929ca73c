"""`clara list pipelines|jobs|images|payloads|models`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraGroup, global_options

_LISTS = {
    "model": ("model:list_models", "List the registered models (also: models)."),
    "payload": ("payload:list_payloads", "List all payloads, those of jobs and reusable ones (also: payloads)."),
    "pipeline": ("list_pipelines", "List the stored pipelines (also: pipelines)."),
    "job": ("list_jobs", "List all jobs (also: jobs)."),
    "image": ("list_images", "List the registered images (also: images)."),
}


@click.group(cls=ClaraGroup, name="list", table=_LISTS)
@global_options
def command() -> None:
    """List pipelines, jobs, images, payloads or models, newest first."""
