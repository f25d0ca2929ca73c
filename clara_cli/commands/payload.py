"""`clara create|list|describe|delete payload`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, first_of, global_options, notice, settings, warn
from clara_cli.commands.showing import brief_option, output_option, quiet_option, show, show_list, tell, tell_id
from clara_cli.commands.transfer import confirm, metadata_option, subjects, transfer_meter, yes_option
from clara_cli.errors import UsageError
from clara_cli.home import from_home
from clara_cli.output import cell, table, utc

UPLOADED = "Payload uploaded successfully."


@click.command("payload", cls=ClaraCommand)
@click.option("-f", "--files", metavar="PATH", help="A file, or a folder whose content is copied into it.")
@metadata_option
@brief_option
@global_options
def create(files: str | None, metadata: dict[str, str]) -> None:
    """Make a reusable payload, an input for many jobs (also: payloads).

    Prints PAYLOAD_ID. clara create job --input-payload ID copies its files into the job's input; clara upload adds
    files to it. Without -f it is empty.
    """
    if files is not None and not files.strip():
        raise UsageError("--files is empty: expected a file or a folder")
    with settings().site() as site:
        with transfer_meter("Uploading") as meter:
            made = site.payloads.create(from_home(files) if files else None, metadata, meter)
        tell_id("PAYLOAD_ID", made.payload_id)
        if made.uploaded:
            tell(UPLOADED)
        if made.folder:
            notice(f"Payload folder: {made.folder}")


@click.command("payload", cls=ClaraCommand)
@quiet_option
@output_option
@global_options
def list_payloads(quiet: bool, output: str) -> None:
    """List all payloads, those of jobs and reusable ones (also: payloads)."""
    from clara_cli.commands.records import payload_record

    with settings().site() as site:
        found = site.payloads.list()
    rows = [
        (
            *(payload.kind.value, payload.id, payload.job_id, utc(payload.created)),
            ", ".join(f"{key}={value}" for key, value in payload.metadata.items()),
        )
        for payload in found
    ]
    show_list(
        output,
        quiet,
        lambda: [payload.id for payload in found],
        lambda: [payload_record(payload) for payload in found],
        lambda: table(["TYPE", "ID", "JOB", "CREATED", "METADATA"], rows),
    )


@click.command("payload", cls=ClaraCommand)
@click.option("-p", "--payload", metavar="ID", help="The payload, or the job it belongs to, by id.")
@quiet_option
@output_option
@global_options
@click.pass_context
def describe(context: click.Context, payload: str | None, quiet: bool, output: str) -> None:
    """Show a payload and its files (also: payloads). Names are as clara download takes them."""
    from clara_cli.commands.records import described_payload
    from clara_cli.payloads.names import show_name

    with settings().site() as site:
        found = site.payloads.find(first_of(subjects(context, payload, "payload", "-p PAYLOAD_ID")[0])[0])
        if quiet:
            click.echo(found.id)
            return
        shown = site.payloads.describe(found)
    files = [entry for entry in shown.entries if entry.fault is None]
    lines = [
        f"PAYLOAD_ID: {found.id}",
        f"TYPE: {found.kind.wire}",
        f"JOB_ID: {found.job_id or ''}".rstrip(),
        f"CREATED: {utc(found.created) or ''}".rstrip(),
        f"FILES: {len(files)}",
        f"SIZE: {sum(entry.size for entry in files)}",
        f"FOLDER: {shown.folder}".rstrip(),
        *(f"METADATA: {cell(key)}={cell(value)}" for key, value in found.metadata.items()),
        "",
        table(
            ["MODE", "SIZE", "NAME"],
            [(f"{entry.mode & 0o777:04o}", entry.size, show_name(f"/{entry.name}")) for entry in files],
        ),
    ]
    show(output, lambda: described_payload(found, files, shown.folder), lambda: "\n".join(lines))
    for entry in shown.entries:
        if entry.fault is not None:
            warn(f"/{show_name(entry.name)} is not listed: {entry.fault}")


@click.command("payload", cls=ClaraCommand)
@click.option("-p", "--payload", metavar="ID", help="The payload; further ids may follow.")
@yes_option
@brief_option
@global_options
@click.pass_context
def delete(context: click.Context, payload: str | None, yes: bool) -> None:
    """Delete payloads with their files: clara delete payload ID... (also: payloads). All are deleted, or none.

    The payload of a job can be deleted once the job has ended; the job's record and logs stay.
    """
    texts = subjects(context, payload, "payload", "PAYLOAD_ID ...")
    with settings().site() as site:
        confirm(f"Delete {len(texts)} payload(s) and all files in them?", yes)
        for found in site.payloads.delete(texts):
            tell(f"Deleted payload {found.id}.")
