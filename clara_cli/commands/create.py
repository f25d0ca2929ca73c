"""`clara create pipeline|job|image|payload|model`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from clara_cli.commands import model, payload
from clara_cli.commands.base import (
    ClaraCommand,
    ClaraGroup,
    Flag,
    fast_io_option,
    first_of,
    global_options,
    is_id,
    notice,
    settings,
    warn,
)
from clara_cli.commands.showing import brief_option, tell_created, tell_id
from clara_cli.commands.transfer import metadata_option, transfer_meter
from clara_cli.commands.values import check_job_name, priority_option, set_option
from clara_cli.errors import UsageError
from clara_cli.home import from_home

if TYPE_CHECKING:
    from clara_cli.database import Database
    from clara_cli.images.reference import RegisteredImage
    from clara_cli.jobs.states import JobPriority


@click.group(cls=ClaraGroup, name="create")
@global_options
def command() -> None:
    """Create pipelines, jobs, images, payloads and models."""


command.add_command(model.create)
command.add_command(payload.create)


@command.command("pipeline", cls=ClaraCommand)
@click.option("-p", "--path", cls=Flag, metavar="PATH", help="The definition: a YAML file, a folder or a zip file.")
@brief_option
@global_options
def pipeline(path: str) -> None:
    """Check a pipeline definition and store it (also: pipelines).

    Prints PIPELINE_ID. Names are not unique: the same file twice makes two pipelines. Files that it imports are
    stored with it.
    """
    from clara_cli.pipelines.load import load_pipeline

    with settings().site() as site:
        loaded = load_pipeline(from_home(path))
        for problem in loaded.warnings:
            warn(problem.render())
        pipeline_id = site.pipelines.create(loaded)
    tell_id("PIPELINE_ID", pipeline_id)


@command.command("job", cls=ClaraCommand)
@click.option("-n", "--name", cls=Flag, metavar="NAME", help="Name of the job.")
@click.option("-p", "--pipeline", cls=Flag, metavar="ID", help="The pipeline, by id or the first digits of it.")
@click.option("-f", "--files", metavar="PATH", help="A file, or a folder whose content becomes the job's input.")
@priority_option
@click.option(
    "--input-payload",
    "payloads",
    multiple=True,
    metavar="ID",
    help="A reusable payload, copied into the input (repeatable).",
)
@metadata_option
@click.option("-s", "--start", is_flag=True, help="Start the job at once.")
@click.option("--detach", is_flag=True, help="With --start: return at once, the job runs on.")
@fast_io_option
@set_option
@brief_option
@global_options
@click.pass_context
def job(
    context: click.Context,
    name: str,
    pipeline: str,
    files: str | None,
    priority: JobPriority,
    payloads: tuple[str, ...],
    metadata: dict[str, str],
    start: bool,
    detach: bool,
    values: dict[str, str],
) -> None:
    """Make a job of a pipeline and upload its input (also: jobs).

    Prints JOB_ID and PAYLOAD_ID. The upload is complete when the command returns.
    """
    from clara_cli.ids import normalise

    check_job_name(name)
    if files is not None and not files.strip():
        raise UsageError("--files is empty: expected a file or a folder")
    if values and not start:
        raise UsageError("--set gives values for the start of a job: add --start, or give them to clara start job")
    pipeline_id, further = first_of(pipeline)
    further += [word for word in context.args if is_id(word)]
    if further:
        notice(f"Notice: pipeline {pipeline_id} is used; ignored: {' '.join(further)}")
    normalise(pipeline_id, "pipeline")
    source = from_home(files) if files else None
    with settings().site() as site:
        with transfer_meter("Uploading") as meter:
            created = site.jobs.create(
                *(name, pipeline_id, source, priority), payloads=payloads, metadata=metadata, meter=meter
            )
        tell_created(created)
        if created.folder:
            notice(f"Payload folder: {created.folder}")
        if start:
            from clara_cli.commands.start import start_and_follow

            start_and_follow(site, created.job_id, detach or site.config.start == "detach", values)


@command.command("image", cls=ClaraCommand)
@click.option("-n", "--name", cls=Flag, metavar="NAME[:TAG]", help="The image, as definitions name it.")
@click.option(
    "-p", "--path", cls=Flag, metavar="FOLDER", help="The program: a Dockerfile with its files, or a main.py."
)
@click.option("--python", "interpreter", metavar="PYTHON", help="The Python that runs it (default: clara's own).")
@click.option("--driver", is_flag=True, help="It waits for its inputs in the driver, so it may be started early.")
@click.option("--venv", is_flag=True, help="Make it a Python environment of its own, if requirements.txt asks for it.")
@brief_option
@global_options
def image(name: str, path: str, interpreter: str | None, driver: bool, venv: bool) -> None:
    """Say which local program stands for a container image (also: images).

    The folder is used as it is when a job runs: nothing is built or copied now. With --venv what its
    requirements.txt asks for, and the Python that runs clara lacks, is installed into an environment kept for it.
    """
    from clara_cli.images.lookup import registration
    from clara_cli.images.store import insert_image

    settings().check_here()
    found = registration(
        name,
        from_home(path),
        interpreter=_interpreter(interpreter) if interpreter else None,
        uses_driver=driver,
    )
    if venv and interpreter:
        raise UsageError("--venv and --python exclude each other: an environment of its own is made for clara's Python")
    with settings().database() as (database, _):
        if venv:
            _make_environment(database, found)
        with database.write() as connection:
            replaced = insert_image(connection, found)
    if replaced:
        notice(f"Notice: {found.reference} was registered before; the new folder is used from now on")
    tell_id("IMAGE", str(found.reference))


def _interpreter(text: str) -> Path:
    """A path, or a name to be found on PATH."""
    import shutil

    path = from_home(text)
    return path if "/" in text else Path(shutil.which(text) or path)


def _make_environment(database: Database, image: RegisteredImage) -> None:
    from clara_cli.commands.progress import environment_progress
    from clara_cli.images.environments import Environments
    from clara_cli.images.program import read_program

    program = read_program(image.folder)
    with environment_progress() as progress:
        equipped = Environments(database.root.environments, "auto").equip(program, str(image.reference), progress)
    if equipped is program:
        notice("Notice: the Python that runs clara has all that it asks for; no environment is needed")
    else:
        notice(f"Notice: its Python is {equipped.interpreter}")
