"""Running a job again from where it failed: a new job that shares what the finished operators left."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from clara_cli.database import Database
from clara_cli.errors import PayloadError, StateConflict
from clara_cli.filecopy import copy_file
from clara_cli.ids import new_id
from clara_cli.jobs import definition, store
from clara_cli.jobs.actions import JobView, find_job
from clara_cli.jobs.files import find_operator
from clara_cli.jobs.model import Job, OperatorRecord
from clara_cli.jobs.rerun_plan import graph, to_run
from clara_cli.jobs.states import JobState, JobStatus, OperatorStatus
from clara_cli.metadata import add_metadata
from clara_cli.payloads.share import Shared, Sharing
from clara_cli.payloads.staging import put_in_place, sweep_payloads
from clara_cli.payloads.tree import PayloadTree, payload_tree
from clara_cli.payloads.upload import staged_payload
from clara_cli.pipelines.model import Operator, Pipeline, to_json
from clara_cli.root import Root
from clara_cli.runtime.operator_log import times_of
from clara_cli.runtime.plan import operator_log


@dataclass(frozen=True)
class Rerun:
    """A new job that goes on where another one ended.

    Attributes:
        reused: operators that are not run, in the order of the definition.
        running: those that will run.
        shared: how the files of the others came into the new payload.
        notices: how names were understood, and what could not be taken over.
    """

    job: Job
    tree: PayloadTree
    reused: tuple[str, ...]
    running: tuple[str, ...]
    shared: Shared
    notices: tuple[str, ...]


def rerun_job(
    database: Database,
    text: str,
    start: str | None = None,
    values: Mapping[str, str] | None = None,
    *,
    everything: bool = False,
) -> Rerun:
    """Make a job that runs what another one did not finish; the other one is left as it is.

    Args:
        start: an operator that runs again in any case, with all that depends on it.
        values: for parameters of the pipeline; operators that they change run again.
        everything: all operators run again.

    Raises:
        NotFound: no such job or operator.
        StateConflict: it has not ended, or it ended well and no operator is given.
        DefinitionError: a value that fits no parameter.
        PayloadError: its files are gone or cannot be shared; nothing of the new job exists then.
    """
    old = find_job(database, text)
    _check(old, start is not None or everything)
    notices = []
    changed: set[str] = set()
    if start is not None:
        operator, told = find_operator(old, start)
        changed.add(operator.name)
        notices += [f"{told[: told.index(', whose')]}"] if told else []
    before = definition.stored(old.job)
    if values:
        given = {**old.job.variables, **values}
        variables, _ = definition.split(old.job, given)
        probe = definition.filled(database, old.job, variables)
        changed |= {operator.name for operator in probe.operators if operator not in before.operators}
    else:
        given = dict(old.job.variables)
    job, pipeline = _new_job(database, old, given)
    nodes = graph(pipeline)
    if everything:
        changed |= nodes.keys()
    completed = {item.name for item in old.operators if item.status is OperatorStatus.COMPLETED} & nodes.keys()
    lost = {name for name in completed if _lost(old.tree, pipeline.operator(name))}
    notices += [f"the files of operator {name} are gone: it runs again" for name in nodes if name in lost - changed]
    running = to_run(nodes, completed - lost, changed)
    reused = tuple(name for name in nodes if name not in running)
    tree = payload_tree(database.root, job.payload_id)
    sweep_payloads(database)
    with staged_payload(database.root, job.payload_id, None) as (aside, _):
        sharing = Sharing(old.tree.path, aside, tree.path)
        sharing.folder("input")
        for name in reused:
            sharing.folder("operators", name)
        notices += [f"{path} is no file, folder or link: it is left out" for path in sharing.shared.left_out]
        again = Rerun(
            *(job, tree, reused, tuple(name for name in nodes if name in running), sharing.shared, tuple(notices))
        )
        with database.write() as connection:
            _insert(connection, old, again, pipeline)
            put_in_place(aside, tree.path)
    share_logs(database.root, old.job.id, job.id, reused)
    return again


def _check(old: JobView, chosen: bool) -> None:
    job = old.job
    if job.state is not JobState.STOPPED:
        raise StateConflict(
            f"job {job.id} has not ended: it is {job.state.wire}, {job.status.wire}",
            hint="a job that has not been started is started without --resume and --from",
        )
    if not chosen and job.status is JobStatus.HEALTHY:
        raise StateConflict(
            f"job {job.id} ended well: there is nothing to resume",
            hint="clara start job -j ID --from OPERATOR runs that operator, and all that depends on it, again",
        )
    if not old.tree.input.is_dir():
        raise PayloadError(
            f"the payload of job {job.id} is gone: there is no folder {old.tree.input}",
            hint="clara create job makes a new job from the input files",
        )


def _new_job(database: Database, old: JobView, given: Mapping[str, str]) -> tuple[Job, Pipeline]:
    """The record of the new job, and its definition with nothing left to fill in."""
    variables, _ = definition.split(old.job, given)
    job = old.job._replace(
        id=new_id(),
        payload_id=new_id(),
        state=JobState.PENDING,
        status=JobStatus.HEALTHY,
        created=time.time(),
        submitted=None,
        started=None,
        stopped=None,
        variables=given,
    )
    pipeline = definition.filled(database, job, variables, files_of=old.job.id)
    return job._replace(definition=json.dumps(to_json(pipeline))), pipeline


def _lost(tree: PayloadTree, operator: Operator) -> bool:
    """Whether a folder of a completed operator is not there any more."""
    return not all(tree.output_folder(operator.name, item).is_dir() for item in operator.outputs if item.path)


def _insert(connection: sqlite3.Connection, old: JobView, again: Rerun, pipeline: Pipeline) -> None:
    job = again.job
    store.insert_job(connection, job, definition.operator_images(pipeline))
    # What it was made of is in the other job: its pipeline may be gone, or another by now.
    connection.execute("DELETE FROM job_files WHERE job_id = ?", (job.id,))
    connection.execute(
        "INSERT INTO job_files SELECT ?, position, path, content FROM job_files WHERE job_id = ?", (job.id, old.job.id)
    )
    connection.execute("UPDATE jobs SET variables = ? WHERE id = ?", (json.dumps(dict(job.variables)), job.id))
    add_metadata(connection, job.id, old.metadata)
    records = {item.name: item for item in old.operators}
    for name in again.reused:
        take_over(connection, job.id, records[name])
    store.add_message(connection, job.id, "info", summary(again, old.job.id))


def take_over(connection: sqlite3.Connection, job_id: str, record: OperatorRecord) -> None:
    """Note that an operator of another job, with its times, counts as completed in this one."""
    # A new record, and no change of the old one: the life cycle has no way from PENDING to COMPLETED.
    connection.execute(
        "REPLACE INTO operators (job_id, position, name, image, status, started, stopped, exit_code, mounted, "
        "cpu_seconds, peak_memory) SELECT job_id, position, name, image, ?, ?, ?, ?, ?, ?, ? FROM operators "
        "WHERE job_id = ? AND name = ?",
        (
            *(record.status.value, record.started, record.stopped, record.exit_code, record.mounted),
            *(record.cpu_seconds, record.peak_memory),
            *(job_id, record.name),
        ),
    )


def summary(again: Rerun, old: str) -> str:
    """One sentence: what is taken over, and what runs."""
    taken = f"operator {', '.join(again.reused)} taken over" if again.reused else "no operator taken over"
    runs = f"{', '.join(again.running)} to run" if again.running else "nothing left to run"
    return f"goes on from job {old}: {taken} ({again.shared}), {runs}"


def share_logs(root: Root, source: str, target: str, names: tuple[str, ...]) -> None:
    """The logs of operators that are not run again are shown with the new job too; nobody writes them any more."""
    for name in names:
        log, place = operator_log(root.jobs / source, name), operator_log(root.jobs / target, name)
        for path, copy in ((log, place), (times_of(log), times_of(place))):
            with suppress(OSError):
                copy.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(path, copy)
                except OSError:
                    copy_file(path, copy)
