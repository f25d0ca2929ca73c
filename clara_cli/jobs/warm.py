"""Whether a job's operators can be forked from a process that is warm already."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from clara_cli.config import Config
from clara_cli.images.program import argv, is_python
from clara_cli.runtime.early_start import expect_python, fork_server
from clara_cli.runtime.fork_server import ForkServer
from clara_cli.runtime.passed_on import FAST_IO, passed_on
from clara_cli.runtime.plan import JobPlan


@contextmanager
def warm_start(config: Config, plan: JobPlan | None = None) -> Iterator[ForkServer | None]:
    """The fork server for jobs as long as they run; None where none is allowed, or none would be of use.

    Args:
        plan: of the only job; None for jobs that are not known yet.
    """
    python = plan is None or has_python(plan)
    wanted = config.warm_start and python
    server = fork_server(wanted, plan.user_environment if plan else user_environment(config))
    if plan is not None:
        expect_python(plan.folder.parent.parent, python)
    try:
        yield server
    finally:
        if server is not None:
            server.close()


def user_environment(config: Config) -> dict[str, str]:
    """What operators see of the environment of whoever starts a job."""
    return {**passed_on(), FAST_IO: "1"} if config.fast_io else passed_on()


def has_python(plan: JobPlan) -> bool:
    """Whether an operator is run by the Python that runs clara."""
    operators = {item.name: item for item in plan.pipeline.operators}
    return any(
        str(program.interpreter) == sys.executable and is_python(argv(program, operators[name].command)[0])
        for name, program in plan.programs.items()
        if name in operators
    )
