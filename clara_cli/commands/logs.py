"""`clara logs`."""

from __future__ import annotations

import click

from clara_cli.commands.base import ClaraCommand, first_of, global_options, notice, settings


@click.command("logs", cls=ClaraCommand)
@click.option("-j", "--job", metavar="ID", help="The job, by id or the first digits of it.")
@click.option("-o", "--operator", metavar="NAME", help="Only this operator or service, without its name.")
@global_options
@click.pass_context
def command(context: click.Context, job: str | None, operator: str | None) -> None:
    """Show what the operators and services of a job wrote to stdout and stderr, also while it runs."""
    from clara_cli.jobs.actions import find_job
    from clara_cli.jobs.files import log_of, services_with_log
    from clara_cli.runtime.plan import operator_log

    words = [word for word in context.args if word not in ("job", "jobs")]
    value = job if job is not None else next(iter(words), None)
    if value is None:
        raise click.UsageError('required flag(s) "job" not set', context)
    with settings().database() as (database, _):
        view = find_job(database, first_of(value)[0])
    if operator is not None:
        name, told = log_of(view, operator)
        if told:
            notice(f"Notice: {told}")
        names = [name]
    else:
        names = [*(item.name for item in view.operators), *services_with_log(view)]
    for name in names:
        path = operator_log(view.folder, name)
        if not path.exists():
            if operator is not None:
                notice(f"operator {name} has not been started: it has no log")
            continue
        prefix = b"" if operator is not None else f"{name} | ".encode()
        with path.open("rb") as log:
            for line in log:
                click.echo(prefix + line + (b"" if line.endswith(b"\n") else b"\n"), nl=False)
