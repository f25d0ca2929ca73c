"""What a process of a job is started with: its folders, its program laid out, its environment, its view of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clara_cli.images.launch import Launch, launch
from clara_cli.images.program import Program
from clara_cli.pipelines.model import Operator
from clara_cli.runtime.environment import OPERATOR_PATH, operator_environment, service_environment
from clara_cli.runtime.namespace import Bind, arguments
from clara_cli.runtime.plan import JobPlan
from clara_cli.runtime.process import OperatorRequest
from clara_cli.runtime.started import Started, keep_started
from clara_cli.runtime.view import forget, python_folders, view_of

if TYPE_CHECKING:
    from clara_cli.runtime.service_plan import ServicePlan

_OWN = "own"


class Stream(NamedTuple):
    """A folder of a process: its name, its declared path, where it is, and whether the process may write into it."""

    name: str
    path: str
    real: Path
    writable: bool


def operator_request(
    plan: JobPlan, operator: Operator, given: Mapping[str, str], socket: str, descriptors: tuple[int, ...]
) -> OperatorRequest:
    """Lay an operator out and say how it is started.

    Args:
        given: addresses of servers and devices.
        socket: abstract name of the job's socket.
        descriptors: what it inherits.

    Raises:
        ImageError: its program cannot be laid out.
        OSError: its folders cannot be made.
    """
    inputs = [Stream(i.name, i.path, plan.tree.input_folder(i), False) for i in operator.inputs if i.path]
    outputs = [
        Stream(o.name, o.path, plan.tree.output_folder(operator.name, o), True) for o in operator.outputs if o.path
    ]
    # An operator that starts before its upstream has ended is given the folder that will be filled.
    for stream in (*outputs, *(item for item in inputs if item.real != plan.tree.input)):
        stream.real.mkdir(parents=True, exist_ok=True)
    streams = (*inputs, *outputs)
    program = plan.programs[operator.name]
    refusal = plan.mounts.refusal(stream.path for stream in streams)
    target = plan.work(operator.name)
    started = launch(
        *(program, operator.command, target, {stream.path: stream.real for stream in streams}),
        plan.user_environment,
        inside=refusal is None,
    )

    def folders(side: Sequence[Stream]) -> list[tuple[str, str, Path]]:
        return [(item.name, item.path, item.real if refusal else Path(item.path)) for item in side]

    environment = operator_environment(
        operator,
        user=plan.user_environment,
        image=started.environment,
        path_prefix=started.path_prefix,
        cwd=started.cwd,
        job_id=plan.job_id,
        job_name=plan.job_name,
        socket=socket,
        inputs=folders(inputs),
        outputs=folders(outputs),
        given=given,
    )
    return _request(plan, operator.name, program, started, environment, streams, refusal, descriptors)


def service_request(
    plan: JobPlan, item: ServicePlan, command: Sequence[str], given: Mapping[str, str], folders: Mapping[str, str]
) -> OperatorRequest:
    """The same for a service.

    Args:
        command: its arguments, with nothing left to fill in.
        given: its addresses and devices.
        folders: declared path → real folder of what it shares with operators.
    """
    streams = tuple(Stream("", path, Path(real), True) for path, real in folders.items())
    refusal = plan.mounts.refusal(folders)
    target = plan.work(item.label)
    started = launch(item.program, command, target, folders, plan.user_environment, inside=refusal is None)
    environment = service_environment(
        item.service,
        user=plan.user_environment,
        image=started.environment,
        path_prefix=started.path_prefix,
        cwd=started.cwd,
        job_id=plan.job_id,
        job_name=plan.job_name,
        label=item.label,
        given=given,
    )
    return _request(plan, item.label, item.program, started, environment, streams, refusal, ())


def clear_own(plan: JobPlan, name: str) -> None:
    """Remove what only an ended process saw: its temporary files and its HOME."""
    forget(plan.work(name) / _OWN)


def _request(
    plan: JobPlan,
    name: str,
    program: Program,
    started: Launch,
    environment: dict[str, str],
    streams: Sequence[Stream],
    refusal: str | None,
    descriptors: tuple[int, ...],
) -> OperatorRequest:
    enclosing: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    declared: tuple[Bind, ...] | None = None
    if refusal is None:
        target = plan.work(name)
        declared = (
            *(Bind(path, str(real), True) for path, real in started.files.items()),
            *(Bind(item.path, str(item.real), item.writable) for item in streams),
        )
        binds = (Bind(str(target), str(target), True), *_shared(plan), *declared)
        needed = (OPERATOR_PATH, program.folder, *python_folders(program.interpreter), *_models(plan))
        view = view_of(binds, started.cwd, target / _OWN, started.argv, environment, needed)
        enclosing, visible = plan.mounts.command, tuple(arguments(view))
    keep_started(plan.folder, name, Started(started.argv, str(started.cwd), environment, declared, refusal or ""))
    return OperatorRequest(
        started.argv, started.cwd, environment, descriptors, plan.log(name), plan.log_limit, enclosing, visible
    )


def _shared(plan: JobPlan) -> Iterator[Bind]:
    """What services share with operators, at the paths that variables name."""
    for name, writable in (("volumes", True), ("common", False)):
        folder = plan.folder / name
        if folder.is_dir():
            yield Bind(str(folder), str(folder), writable)


def _models(plan: JobPlan) -> Iterator[Path]:
    if plan.services and plan.models is not None:
        yield plan.models.common
        yield from plan.models.all().values()
