"""A job that was started on this machine, and is run by this process or a runner of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.jobs.start import SubmittedJob, run_detached, run_job
from clara_cli.jobs.warm import warm_start
from clara_cli.runtime.fork_server import ForkServer
from clara_cli.runtime.listener import Listener
from clara_cli.runtime.plan import JobResult
from clara_cli.runtime.stop import StopRequest


class LocalStart:
    """A `StartedJob`.

    Args:
        warm: forks the operators in Python of all jobs that are run together with it.
    """

    def __init__(
        self, submitted: SubmittedJob, config: Config, config_file: str | None, warm: ForkServer | None
    ) -> None:
        self._submitted = submitted
        self._warm = warm
        self._config = config
        self._config_file = config_file

    def __enter__(self) -> LocalStart:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._submitted.__exit__(kind, error, trace)

    @property
    def job_id(self) -> str:
        return self._submitted.plan.job_id

    @property
    def job_name(self) -> str:
        return self._submitted.plan.job_name

    @property
    def operators(self) -> Sequence[str]:
        return [operator.name for operator in self._submitted.plan.pipeline.operators]

    @property
    def programs(self) -> Mapping[str, str]:
        programs = self._submitted.plan.programs
        return {name: f"{program.origin}, run by {program.interpreter}" for name, program in programs.items()}

    @property
    def reused(self) -> Mapping[str, str]:
        return self._submitted.reused

    def detach(self) -> None:
        run_detached(self._submitted, self._config, self._config_file)

    def follow(self, listener: Listener, stop: StopRequest) -> JobResult:
        with warm_start(self._config, self._submitted.plan) as warm:
            return run_job(self._submitted, listener, stop, warm)

    def run_apart(self, listener: Listener, stop: StopRequest) -> JobResult:
        with Database(self._submitted.database.root) as database, replace(self._submitted, database=database) as own:
            return run_job(own, listener, stop, self._warm)
