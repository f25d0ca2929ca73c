"""`clara run`: definition to results in one command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clara_cli.commands.base import ClaraCommand, fast_io_option, global_options, notice, settings, warn
from clara_cli.commands.showing import brief_option, tell_created
from clara_cli.commands.transfer import transfer_meter
from clara_cli.commands.values import (
    check_job_name,
    engine_option,
    priority_option,
    reuse_option,
    set_option,
)
from clara_cli.errors import NotFound, PayloadError, UsageError
from clara_cli.home import from_home

if TYPE_CHECKING:
    from clara_cli.jobs.states import JobPriority
    from clara_cli.pipelines.model import Pipeline
    from clara_cli.site.interface import Site


@click.command("run", cls=ClaraCommand)
@click.argument("file", metavar="FILE", required=False)
@click.option("-f", "--files", metavar="PATH", help="A file, or a folder whose content becomes the job's input.")
@click.option("--each", "volumes", metavar="FOLDER", help="One job for each file or folder in FOLDER, instead of -f.")
@click.option("--pattern", metavar="GLOB", help="Which ones, such as *.nii.gz or sub-*/anat; with --each.")
@click.option("--resume", is_flag=True, help="Only those whose results are missing; with --each.")
@click.option("--detach", is_flag=True, help="Return when Slurm has the jobs; with --each.")
@click.option("-o", "--output", metavar="FOLDER", help="Where the results go; without it they stay in the payload.")
@click.option("--only", multiple=True, metavar="OPERATOR", help="Results of this operator only (repeatable).")
@click.option("-n", "--name", metavar="NAME", help="Name of the job (default: the pipeline's).")
@priority_option
@reuse_option
@engine_option
@set_option
@brief_option
@fast_io_option
@global_options
@click.pass_context
def command(
    context: click.Context,
    file: str | None,
    files: str | None,
    volumes: str | None,
    pattern: str | None,
    resume: bool,
    detach: bool,
    output: str | None,
    only: tuple[str, ...],
    name: str | None,
    priority: JobPriority,
    reuse: bool,
    values: dict[str, str],
) -> None:
    """Run a definition: a YAML file, a folder or a zip file. Makes a job, runs it to its end, and fetches its results.

    Prints JOB_ID and PAYLOAD_ID first. When the job has ended well, the files that each operator left are in
    FOLDER/OPERATOR; those of the same name are replaced. Exit status: 0 if the job ended well, 1 if not; Ctrl-C
    cancels the job (130). The job stays, as any other; a definition that did not change is checked and stored once.

    With --each every volume, a file or a folder, gets a job of its own, named after it, and its results are in
    FOLDER/VOLUME/OPERATOR, where they appear when all of them are there. The jobs share the machine, or are one array
    in Slurm. stdout gets a table of what became of each; exit status 1 if one failed. --resume goes on after whatever
    ended an earlier call: results that are there are left alone, jobs that Slurm still has are followed.
    """
    from clara_cli.commands.start import start_and_follow
    from clara_cli.jobs.results import check_target

    if file is None:
        raise click.UsageError("expected the file of a definition: clara run FILE -f DATA -o FOLDER", context)
    _check(name, files, output, only)
    _check_each(volumes, files, output, name, pattern is not None or resume or detach)
    folder = from_home(output) if output else None
    with settings().site() as site:
        pipeline, stored = _definition(site, from_home(file))
        chosen = _chosen(pipeline, only)
        if volumes and folder is not None:
            from clara_cli.commands.run_each import Chosen, run_each
            from clara_cli.jobs.each_run import Wanted

            which = Chosen(from_home(volumes), pattern or "*", resume, detach)
            if site.config.host is not None:
                raise UsageError("--each is not done by a platform on another machine: call it where jobs run")
            wanted = Wanted(stored(), chosen, folder, priority, values, reuse)
            with _cleaning(site):
                run_each(site, which, wanted)
            return
        if folder is not None:
            check_target(folder)
        source = from_home(files) if files else None
        pipeline_id = stored()
        with transfer_meter("Uploading") as meter:
            created = site.jobs.create(name or pipeline.name, pipeline_id, source, priority, meter=meter)
        tell_created(created)
        with _cleaning(site), _removed_if_empty(folder):
            # What is cleaned when a job ends must not be what is fetched now.
            start_and_follow(site, created.job_id, False, values, reuse=reuse, cleaning=False)
            if folder is None:
                notice(f"results: {created.results}")
            else:
                _fetch(site, created.job_id, folder, chosen)


def _check(name: str | None, files: str | None, output: str | None, only: tuple[str, ...]) -> None:
    if name is not None:
        check_job_name(name)
    for flag, value, wanted in (("--files", files, "a file or a folder"), ("--output", output, "a folder")):
        if value is not None and not value.strip():
            raise UsageError(f"{flag} is empty: expected {wanted}")
    if only and output is None:
        raise UsageError("--only says whose results are wanted: add --output FOLDER")


def _check_each(volumes: str | None, files: str | None, output: str | None, name: str | None, more: bool) -> None:
    if volumes is None:
        if more:
            raise UsageError("--pattern, --resume and --detach are about many volumes: add --each FOLDER")
        return
    if not volumes.strip():
        raise UsageError("--each is empty: expected a folder of volumes")
    if files is not None:
        raise UsageError("--each and --files exclude each other: both say what the input is")
    if name is not None:
        raise UsageError("--name is for one job: with --each jobs are named after their volumes")
    if output is None:
        raise UsageError("--each needs --output FOLDER, where the results of all volumes go")


@contextmanager
def _cleaning(site: Site) -> Iterator[None]:
    """Apply the limits of the configuration at the end."""
    try:
        yield
    finally:
        if told := site.jobs.after():
            warn(told)


@contextmanager
def _removed_if_empty(folder: Path | None) -> Iterator[None]:
    """When there are no results there is no folder for them either."""
    try:
        yield
    except BaseException:
        if folder is not None:
            with suppress(OSError):
                folder.rmdir()
        raise


def _definition(site: Site, path: Path) -> tuple[Pipeline, Callable[[], str]]:
    """A definition, and what stores it once nothing speaks against that; returns its id."""
    known = site.pipelines.known(path)
    if known is not None:
        return known.pipeline, lambda: known.id
    from clara_cli.pipelines.load import load_pipeline

    loaded = load_pipeline(path)
    for problem in loaded.warnings:
        warn(problem.render())
    return loaded.pipeline, lambda: site.pipelines.stored(loaded)


def _chosen(pipeline: Pipeline, only: Iterable[str]) -> list[str]:
    """The operators whose results are wanted, each once, in the order of the definition.

    Raises:
        NotFound: the pipeline has no operator of a name; the message lists what it has.
    """
    names = [operator.name for operator in pipeline.operators]
    wanted = {name.casefold() for name in only}
    for name in only:
        if name.casefold() not in map(str.casefold, names):
            raise NotFound(f'--only: the pipeline has no operator "{name}"; it has {", ".join(names)}')
    return [name for name in names if not wanted or name.casefold() in wanted]


def _fetch(site: Site, job_id: str, folder: Path, names: Iterable[str]) -> None:
    from clara_cli.payloads.names import show_name

    total = 0
    failed: list[tuple[str, str]] = []
    with transfer_meter("Downloading") as meter:
        for name in names:
            found = site.payloads.results(job_id, name)
            if found is None:
                notice(f"operator {name} left no files")
                continue
            for entry in found.left_out:
                warn(f"{name}: {show_name(entry.name)} is left out: {entry.fault}")
            done = found.download(f"{folder / name}/", meter)
            total += len(done.written)
            failed += done.failed
    notice(f"results: {total} {'file' if total == 1 else 'files'} in {folder}")
    if failed:
        listed = "\n".join(f"  {show_name(path)}: {why}" for path, why in failed)
        raise PayloadError(f"{len(failed)} files were left out:\n{listed}")
