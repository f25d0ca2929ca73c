"""A job's files: which operator is meant by a name, and which files a download is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from clara_cli.database import Database
from clara_cli.errors import NotFound
from clara_cli.filename import file_name
from clara_cli.ids import normalise, resolve
from clara_cli.jobs.actions import JobView, find_job
from clara_cli.jobs.definition import stored
from clara_cli.jobs.model import Job, OperatorRecord
from clara_cli.payloads.actions import find_payload
from clara_cli.payloads.download import Selection, select
from clara_cli.payloads.pattern import Pattern, parse_pattern, split_reference
from clara_cli.payloads.tree import payload_tree
from clara_cli.runtime.plan import operator_log


@dataclass(frozen=True)
class Found:
    """What is to be downloaded; `notice` says how a name was understood when it was not an operator's own."""

    selection: Selection
    notice: str | None


class WithOperators(Protocol):
    """A job and its operators, whatever else is known of it."""

    @property
    def job(self) -> Job: ...

    @property
    def operators(self) -> tuple[OperatorRecord, ...]: ...


def find_operator(view: WithOperators, name: str) -> tuple[OperatorRecord, str | None]:
    """The operator of that name, else the only one whose image's name ends in it.

    Returns:
        the operator, and a notice when it was found by its image.

    Raises:
        NotFound: none, or several by image; the message lists the job's operators.
    """
    for operator in view.operators:
        if operator.name.casefold() == name.casefold():
            return operator, None
    by_image = [operator for operator in view.operators if _image_name(operator).casefold() == name.casefold()]
    if len(by_image) == 1:
        found = by_image[0]
        return found, f'"{name}" is the image of operator {found.name}, whose files are taken'
    if by_image:
        listed = ", ".join(operator.name for operator in by_image)
        raise NotFound(f'several operators have the image "{name}": {listed}', hint="give the operator's name")
    listed = ", ".join(operator.name for operator in view.operators)
    raise NotFound(f'job {view.job.id} has no operator "{name}"; it has {listed}')


def log_of(view: JobView, name: str) -> tuple[str, str | None]:
    """Whose log is meant by a name: an operator's (as `find_operator` finds it), else a service's.

    Raises:
        NotFound: the job has neither.
    """
    try:
        operator, told = find_operator(view, name)
    except NotFound:
        declared = [service.name for operator in stored(view.job).operators for service in operator.services]
        for service in (*services_with_log(view), *declared):
            if service.casefold() == name.casefold():
                return service, None
        raise
    return operator.name, told


def services_with_log(view: JobView) -> list[str]:
    """The services that were started for a job: whoever has a log and is no operator."""
    operators = {operator_log(view.folder, operator.name).stem for operator in view.operators}
    logs = operator_log(view.folder, "any").parent
    return sorted(path.stem for path in logs.glob("*.log") if path.stem not in operators)


def find_files(database: Database, reference: str) -> Found:
    """The files that `<job or payload id>:<path or pattern>` names.

    Raises:
        NotFound: no such job or payload, no such operator, or nothing matches.
        PayloadError: a malformed reference, or one that leads out of the payload.
    """
    identity, path = split_reference(reference)
    pattern = parse_pattern(path)
    normalise(identity, "job")
    try:
        payload = find_payload(database, identity)
    except NotFound:
        with database.read() as connection:
            # A job whose payload was removed is known too; if it is none, a job is what was meant.
            job_id = resolve(connection, "job", identity)
        raise NotFound(f"the payload of job {job_id} was removed; its record and logs are kept") from None
    notice = None
    if payload.job_id is not None:
        pattern, notice = by_operator(find_job(database, payload.job_id), pattern)
    tree = payload_tree(database.root, payload.id)
    if not tree.path.is_dir():
        raise NotFound(f"the folder of payload {payload.id} is gone: {tree.path}")
    return Found(select(tree, pattern), notice)


def by_operator(view: WithOperators, pattern: Pattern) -> tuple[Pattern, str | None]:
    """The pattern with the operator's own name in it, and how that was understood."""
    if len(pattern.fixed) < 2 or pattern.fixed[0] != "operators":
        return pattern, None
    operator, notice = find_operator(view, pattern.fixed[1])
    return replace(pattern, fixed=("operators", file_name(operator.name), *pattern.fixed[2:])), notice


def _image_name(operator: OperatorRecord) -> str:
    return operator.image.rpartition("/")[2].partition(":")[0]
