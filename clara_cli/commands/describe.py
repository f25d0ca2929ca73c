"""`clara describe pipeline|job|image|payload`."""

from __future__ import annotations

import click

from clara_cli.commands import payload
from clara_cli.commands.base import ClaraCommand, ClaraGroup, first_of, global_options, settings
from clara_cli.errors import UsageError
from clara_cli.output import cell, table, utc


@click.group(cls=ClaraGroup, name="describe")
@global_options
def command() -> None:
    """Show one pipeline, job, image or payload."""


command.add_command(payload.describe)


@command.command("pipeline", cls=ClaraCommand)
@click.option("-p", "--pipeline", metavar="ID", help="The pipeline, by id or the first digits of it.")
@global_options
@click.pass_context
def pipeline(context: click.Context, pipeline: str | None) -> None:
    """Show a pipeline and its operators (also: pipelines)."""
    import json

    from clara_cli.pipelines.model import from_json
    from clara_cli.pipelines.store import find_pipeline

    with settings().database() as (database, _), database.read() as connection:
        record = find_pipeline(connection, _subject(context, pipeline, "pipeline"))
    definition = from_json(json.loads(record.definition))
    click.echo(f"PIPELINE_ID: {record.id}")
    click.echo(f"NAME: {record.name}")
    click.echo(f"API_VERSION: {definition.api_version}")
    click.echo(f"ORCHESTRATOR: {definition.orchestrator}")
    click.echo(f"CREATED: {utc(record.created)}")
    click.echo("")
    rows = [
        (operator.name, f"{operator.image}:{operator.tag}", ",".join(sorted(operator.sources)))
        for operator in definition.operators
    ]
    click.echo(table(["OPERATOR", "IMAGE", "READS FROM"], rows))
    if record.parameters:
        click.echo("")
        click.echo(table(["PARAMETER", "DEFAULT"], list(record.parameters.items())))


@command.command("job", cls=ClaraCommand)
@click.option("-j", "--job", metavar="ID", help="The job, by id or the first digits of it.")
@global_options
@click.pass_context
def job(context: click.Context, job: str | None) -> None:
    """Show a job and its operators (also: jobs).

    Scripts read the first ten lines by their place: the status is on the sixth, the state on the seventh, and the
    tenth holds a 1 once the job has stopped well.
    """
    from clara_cli.jobs.actions import find_job
    from clara_cli.jobs.recovery import recover

    with settings().database() as (database, _):
        recover(database)
        view = find_job(database, _subject(context, job, "job"))
    found = view.job
    lines = [
        f"JOB_ID: {found.id}",
        f"PAYLOAD_ID: {found.payload_id}",
        f"PIPELINE_ID: {found.pipeline_id}",
        f"NAME: {' '.join(found.name.split())}",
        f"PRIORITY: {found.priority.wire}",
        f"STATUS: {found.status.wire}",
        f"STATE: {found.state.wire}",
        f"CREATED: {utc(found.created)}",
        f"STARTED: {utc(found.started) or ''}".rstrip(),
        f"COMPLETED: {int(found.succeeded)}",
        f"ENDED: {utc(found.stopped) or ''}".rstrip(),
        f"PAYLOAD_FOLDER: {view.tree.path if view.tree.path.is_dir() else '(removed)'}",
        *(f"METADATA: {cell(key)}={cell(value)}" for key, value in view.metadata.items()),
        "",
    ]
    rows = [
        (
            operator.name,
            operator.status.wire,
            utc(operator.started),
            utc(operator.stopped),
            operator.exit_code,
        )
        for operator in view.operators
    ]
    lines.append(table(["OPERATOR", "STATUS", "STARTED", "ENDED", "EXIT"], rows))
    if found.variables:
        lines += ["", table(["PARAMETER", "VALUE"], list(found.variables.items()))]
    if view.messages:
        lines += ["", "MESSAGES:", *(f"{utc(m.created)} {m.severity}: {m.text}" for m in view.messages)]
    click.echo("\n".join(lines))


@command.command("image", cls=ClaraCommand)
@click.option("-n", "--name", metavar="NAME[:TAG]", help="The image.")
@global_options
@click.pass_context
def image(context: click.Context, name: str | None) -> None:
    """Show a registered image and how its program is started (also: images)."""
    from clara_cli.errors import ImageError
    from clara_cli.images.environments import Environments
    from clara_cli.images.program import argv, read_program
    from clara_cli.images.store import find_image

    with settings().database() as (database, config), database.read() as connection:
        found = find_image(connection, _subject(context, name, "image", "-n"))
    program = read_program(found.folder, interpreter=found.interpreter, uses_driver=found.uses_driver)
    environments = Environments(database.root.environments, "never" if config.venv == "never" else "ask")
    try:
        interpreter = str(environments.equip(program, str(found.reference)).interpreter)
    except ImageError:
        interpreter = "an environment of its own, not made yet"
    click.echo(f"NAME: {found.reference}")
    click.echo(f"FOLDER: {found.folder}")
    click.echo(f"PYTHON: {interpreter}")
    click.echo(f"DRIVER: {'yes' if found.uses_driver else 'no'}")
    click.echo(f"WORKDIR: {program.workdir}")
    click.echo(f"COMMAND: {' '.join(argv(program, ()))}")


def _subject(context: click.Context, flag: str | None, kind: str, short: str | None = None) -> str:
    """What is to be shown: the flag's value, else the first word after the command."""
    value = flag or next(iter(context.args), None)
    if value is None:
        raise UsageError(f"say which {kind}: clara describe {kind} {short or '-' + kind[0]} {kind.upper()}")
    return first_of(value)[0]
