"""`clara create|list|delete model`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, Flag, global_options, notice, settings, warn
from clara_cli.commands.showing import brief_option, output_option, quiet_option, show_list, tell, tell_id
from clara_cli.commands.transfer import confirm, subjects, transfer_meter, yes_option
from clara_cli.home import from_home
from clara_cli.output import table, utc


@click.command("model", cls=ClaraCommand)
@click.option("-p", "--path", cls=Flag, metavar="FOLDER", help="The model's folder, in Triton's layout.")
@click.option(
    "-t", "--type", "kind", metavar="TYPE", help="tensorflow, tensorrt, pytorch or unknown (default: see its files)."
)
@click.option("-r", "--raw", is_flag=True, help="Print the id alone.")
@brief_option
@global_options
def create(path: str, kind: str | None, raw: bool) -> None:
    """Check a model's folder and keep a copy of it (also: models).

    Definitions name it under `models` by the name of its folder, which must look as a Triton server reads it:

    \b
      <model name>/config.pbtxt        its name, if given, is the folder's
      <model name>/1/model.savedmodel  or model.graphdef (tensorflow),
                                       model.plan (tensorrt), model.pt (pytorch)

    with one numbered folder for each version. A model of the same name is replaced.
    """
    from clara_cli.models.layout import check_model

    folder = check_model(from_home(path), kind.lower() if kind else None)
    for text in folder.warnings:
        warn(text)
    with settings().site() as site, transfer_meter("Copying") as meter:
        model, replaced = site.models.create(folder, meter)
    if raw:
        click.echo(model.id)
    else:
        tell_id("MODEL_ID", model.id)
    if replaced:
        notice(f"Notice: it takes the place of model {replaced.id}, which had the name {model.name} too")


@click.command("model", cls=ClaraCommand)
@quiet_option
@output_option
@global_options
def list_models(quiet: bool, output: str) -> None:
    """List the registered models (also: models)."""
    from clara_cli.commands.records import model_record

    with settings().site() as site:
        found = site.models.list()
    rows = [
        (model.name, model.id, model.type, ",".join(map(str, model.versions)), utc(model.created)) for model in found
    ]
    show_list(
        output,
        quiet,
        lambda: [model.id for model in found],
        lambda: [model_record(model) for model in found],
        lambda: table(["NAME", "ID", "TYPE", "VERSIONS", "CREATED"], rows),
    )


@click.command("model", cls=ClaraCommand)
@yes_option
@brief_option
@global_options
@click.pass_context
def delete(context: click.Context, yes: bool) -> None:
    """Delete registered models: clara delete models ID... (also: model). All are deleted, or none.

    An id may be given by its first digits.
    """
    texts = subjects(context, None, "model", "MODEL_ID ...")
    with settings().site() as site:
        confirm(f"Delete {len(texts)} model(s)?", yes)
        for found in site.models.delete(texts):
            tell(f"Deleted model {found.id} ({found.name}).")
