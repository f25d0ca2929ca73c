"""A job's runner on a node of a cluster: `python -m clara_cli.jobs.node FOLDER`, where FOLDER is the job's own.

It knows nothing of the database: what it is to do is in the job's folder (`handover`), how it goes is written there
(`journal`). The process that Slurm knows only watches the one that runs the job: when that is killed, it ends what is
left of the job's processes and says so.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clara_cli.slurm.requests import RUNNER
from clara_cli.slurm.states import BEGUN_BEFORE, UNUSABLE

if TYPE_CHECKING:
    from clara_cli.jobs.handover import Handover
    from clara_cli.jobs.journal import Journal
    from clara_cli.runtime.capacity import Machine
    from clara_cli.runtime.fork_server import ForkServer
    from clara_cli.runtime.plan import JobPlan


_OF_A_MACHINE = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "TMPDIR")


def main() -> int:
    """Run the job to its end; 0 if it ended well."""
    os.chdir("/")
    folder = Path(sys.argv[1])

    from clara_cli.errors import ClaraError
    from clara_cli.jobs.clock import Clock
    from clara_cli.jobs.handover import read_handover
    from clara_cli.jobs.journal import LOST, Journal, open_journal
    from clara_cli.runtime.strays import end_strays

    try:
        handover = read_handover(folder)
        if not open_journal(folder):
            sys.stderr.write(f"job {handover.plan.job_id} was begun before; a job runs once\n")
            return BEGUN_BEFORE
    except ClaraError as error:
        sys.stderr.write(f"{error.message}\n")
        return UNUSABLE
    journal = Journal(folder, Clock())
    # Slurm asks all processes of a job to end: the runner does what is to be done, this one waits for it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _run(handover, journal)
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        end_strays(handover.plan.job_id)
        journal.write(LOST, signal=-code)
    return code if code >= 0 else 128 - code


def _run(handover: Handover, journal: Journal) -> int:
    from clara_cli.errors import ClaraError
    from clara_cli.jobs.journal import BEGAN, Recorder
    from clara_cli.runtime.plan import JobResult, OperatorFailure
    from clara_cli.runtime.runner import Runner
    from clara_cli.runtime.stop import StopRequest

    stop, got = StopRequest(), list[int]()

    def ask(number: int, _: object) -> None:
        got.append(number)
        stop.request(f"the runner got {signal.Signals(number).name}")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    plan = _placed(handover)
    remote, node = _place()
    journal.write(BEGAN, remote=remote, node=node, pid=os.getpid(), mounted=plan.mounted)
    try:
        _check(plan, node, handover.mounts)
        with _warm(handover.warm, plan) as warm:
            result = Runner(plan, Recorder(journal), stop, None, warm).run()
    except ClaraError as error:
        sys.stderr.write(f"{error.message}\n")
        Recorder(journal).message("error", error.message)
        result = JobResult(failures=(OperatorFailure(plan.job_id, error.message, None, plan.folder, "job"),))
    except Exception as error:
        # Else it would look like a runner that was killed.
        Recorder(journal).message("error", f"clara itself failed: {type(error).__name__}: {error}")
        raise
    journal.end(result, signalled=bool(got) and result.stopped is not None)
    return 0 if result.succeeded else 1


@contextmanager
def _warm(wanted: bool, plan: JobPlan) -> Iterator[ForkServer | None]:
    """What operators in Python are forked from, where that is wanted."""
    from clara_cli.jobs.warm import has_python
    from clara_cli.runtime.early_start import fork_server

    server = fork_server(wanted and has_python(plan), plan.user_environment)
    try:
        yield server
    finally:
        if server is not None:
            server.close()


def _placed(handover: Handover) -> JobPlan:
    """The plan with what this node has for the job."""
    from clara_cli.runtime.machine import this_machine
    from clara_cli.runtime.mounts import find_mounts

    plan = handover.plan
    # What is said of GPUs and temporary folders was meant for the submitting machine.
    user = {name: value for name, value in plan.user_environment.items() if name not in _OF_A_MACHINE}
    user.update({name: os.environ[name] for name in _OF_A_MACHINE if name in os.environ})
    machine = allotment(this_machine(), os.environ)
    return plan._replace(machine=machine, mounts=find_mounts(handover.mounts), user_environment=user)


def allotment(machine: Machine, environment: Mapping[str, str]) -> Machine:
    """What Slurm gave the job of a node's machine."""

    def number(name: str, otherwise: int) -> int:
        text = environment.get(name, "")
        return int(text) if text.isdigit() else otherwise

    given = environment.get("CUDA_VISIBLE_DEVICES") or environment.get("SLURM_JOB_GPUS")
    memory = number("SLURM_MEM_PER_NODE", 0)
    return machine._replace(
        cpus=number("SLURM_CPUS_ON_NODE", machine.cpus),
        memory=max(1, memory - RUNNER) if memory else machine.memory,
        gpus=tuple(word for word in given.split(",") if word) if given else (),
    )


def _place() -> tuple[str, str]:
    """Slurm's id of this job, and the node's name."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    remote = f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")
    return remote, os.environ.get("SLURMD_NODENAME") or os.uname().nodename


def _check(plan: JobPlan, node: str, mounts: str) -> None:
    """Say at once what the submitting machine has and this one has not."""
    from clara_cli.errors import RuntimeFailure

    shared = "must be on a file system that all nodes see"
    if not plan.tree.input.is_dir():
        raise RuntimeFailure(f"the payload {plan.tree.path} is not on node {node}: the root {shared}")
    missing = []
    for name, program in [*plan.programs.items(), *((item.label, item.program) for item in plan.services)]:
        if not program.folder.is_dir():
            missing.append(f"{name}: its folder {program.folder} is not on node {node}: programs of operators {shared}")
        elif not os.access(program.interpreter, os.X_OK):
            missing.append(f"{name}: its Python {program.interpreter} is not on node {node}: it {shared}")
    if mounts == "require":
        refusals = {item.name: plan.mounts.refusal(item.paths) for item in plan.pipeline.operators}
        missing += [f"{name}: mounts are required, and node {node}: {text}" for name, text in refusals.items() if text]
    if missing:
        raise RuntimeFailure("; ".join(missing))


if __name__ == "__main__":
    sys.exit(main())
