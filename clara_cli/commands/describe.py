"""`clara describe pipeline|job|image|payload`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clara_cli.commands import payload
from clara_cli.commands.base import ClaraCommand, ClaraGroup, first_of, global_options, settings
from clara_cli.commands.showing import output_option, quiet_option, show
from clara_cli.errors import UsageError
from clara_cli.output import cell, table, utc

if TYPE_CHECKING:
    from clara_cli.pipelines.model import Pipeline
    from clara_cli.pipelines.store import PipelineRecord
    from clara_cli.runtime.started import Started
    from clara_cli.site.model import DescribedJob


@click.group(cls=ClaraGroup, name="describe")
@global_options
def command() -> None:
    """Show one pipeline, job, image or payload."""


command.add_command(payload.describe)


@command.command("pipeline", cls=ClaraCommand)
@click.option("-p", "--pipeline", metavar="ID", help="The pipeline, by id or the first digits of it.")
@quiet_option
@output_option
@global_options
@click.pass_context
def pipeline(context: click.Context, pipeline: str | None, quiet: bool, output: str) -> None:
    """Show a pipeline and its operators (also: pipelines)."""
    import json

    from clara_cli.commands.records import described_pipeline
    from clara_cli.pipelines.model import from_json

    with settings().site() as site:
        record = site.pipelines.describe(_subject(context, pipeline, "pipeline"))
    definition = from_json(json.loads(record.definition))
    if quiet:
        click.echo(record.id)
        return
    show(output, lambda: described_pipeline(record, definition), lambda: _pipeline_text(record, definition))


def _pipeline_text(record: PipelineRecord, definition: Pipeline) -> str:
    lines = [
        f"PIPELINE_ID: {record.id}",
        f"NAME: {record.name}",
        f"API_VERSION: {definition.api_version}",
        f"ORCHESTRATOR: {definition.orchestrator}",
        f"CREATED: {utc(record.created) or ''}".rstrip(),
        "",
    ]
    rows = [
        (operator.name, f"{operator.image}:{operator.tag}", ",".join(sorted(operator.sources)))
        for operator in definition.operators
    ]
    lines.append(table(["OPERATOR", "IMAGE", "READS FROM"], rows))
    if record.parameters:
        lines += ["", table(["PARAMETER", "DEFAULT"], list(record.parameters.items()))]
    return "\n".join(lines)


@command.command("job", cls=ClaraCommand)
@click.option("-j", "--job", metavar="ID", help="The job, by id or the first digits of it.")
@quiet_option
@output_option
@global_options
@click.pass_context
def job(context: click.Context, job: str | None, quiet: bool, output: str) -> None:
    """Show a job and its operators (also: jobs).

    Scripts read the first ten lines by their place: the status is on the sixth, the state on the seventh, and the
    tenth holds a 1 once the job has stopped well. With --verbose: each operator's exact command, working folder,
    environment and mounts.
    """
    from clara_cli.commands.records import described_job

    verbose = settings().verbose
    with settings().site() as site:
        view = site.jobs.describe(_subject(context, job, "job"), processes=verbose)
    if quiet:
        click.echo(view.job.id)
        return
    show(output, lambda: described_job(view, verbose), lambda: _job_text(view, verbose))


def _job_text(view: DescribedJob, verbose: bool) -> str:
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
        f"PAYLOAD_FOLDER: {view.payload_folder if view.payload_exists else '(removed)'}",
        *([f"SLURM: {view.placed}"] if view.placed else []),
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
            None if operator.mounted is None else ("yes" if operator.mounted else "no"),
        )
        for operator in view.operators
    ]
    lines.append(table(["OPERATOR", "STATUS", "STARTED", "ENDED", "EXIT", "MOUNTS"], rows))
    if found.variables:
        lines += ["", table(["PARAMETER", "VALUE"], list(found.variables.items()))]
    if view.messages:
        lines += ["", "MESSAGES:", *(f"{utc(m.created)} {m.severity}: {m.text}" for m in view.messages)]
    if verbose:
        for operator in view.operators:
            lines += ["", *_started(operator.name, view.processes.get(operator.name))]
    return "\n".join(lines)


def _started(name: str, started: Started | None) -> list[str]:
    """What an operator's process was started with."""
    if started is None:
        return [f"{name}: not started"]
    lines = [f"{name}:", f"  COMMAND: {' '.join(map(_word, started.command))}", f"  FOLDER: {_word(started.folder)}"]
    if started.mounts is None:
        lines.append(f"  MOUNTS: none; {started.without}")
    else:
        lines.append("  MOUNTS:" if started.mounts else "  MOUNTS: of its own files only")
        for bind in started.mounts:
            lines.append(f"    {bind.path} is {bind.source}{'' if bind.writable else ' (read-only)'}")
    lines.append("  ENVIRONMENT:")
    return lines + [f"    {name}={_shown(value)}" for name, value in sorted(started.environment.items())]


def _word(text: str) -> str:
    """A word as a shell would need it."""
    import shlex

    return shlex.quote(text) if text.isprintable() else _shown(text)


def _shown(text: str) -> str:
    """A text on one line: as it is, or as JSON where it holds what cannot be printed."""
    import json

    return text if text.isprintable() else json.dumps(text)


@command.command("image", cls=ClaraCommand)
@click.option("-n", "--name", metavar="NAME[:TAG]", help="The image.")
@quiet_option
@output_option
@global_options
@click.pass_context
def image(context: click.Context, name: str | None, quiet: bool, output: str) -> None:
    """Show a registered image and how its program is started (also: images)."""
    from clara_cli.commands.records import image_record

    with settings().site() as site:
        text = _subject(context, name, "image", "-n")
        if quiet:
            click.echo(str(site.images.find(text).reference))
            return
        shown = site.images.describe(text)
    found, interpreter = shown.image, shown.python
    record = {
        **image_record(found),
        "python": interpreter,
        "workdir": shown.workdir,
        "command": list(shown.command),
    }
    lines = [
        f"NAME: {found.reference}",
        f"FOLDER: {found.folder}",
        f"PYTHON: {interpreter or 'an environment of its own, not made yet'}",
        f"DRIVER: {'yes' if found.uses_driver else 'no'}",
        f"WORKDIR: {shown.workdir}",
        f"COMMAND: {' '.join(shown.command)}",
    ]
    show(output, lambda: record, lambda: "\n".join(lines))


def _subject(context: click.Context, flag: str | None, kind: str, short: str | None = None) -> str:
    """What is to be shown: the flag's value, else the first word after the command."""
    value = flag or next(iter(context.args), None)
    if value is None:
        raise UsageError(f"say which {kind}: clara describe {kind} {short or '-' + kind[0]} {kind.upper()}")
    return first_of(value)[0]
