"""Enough open files for one job, as far as the system lets this process have them."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from clara_cli.pipelines.model import Pipeline

# Of the process itself, and of each operator: its handle, its pipe, its log, its connections.
_OWN, _OPERATOR, _VARIABLE = 128, 6, 2


@contextmanager
def enough_descriptors(pipeline: Pipeline) -> Iterator[None]:
    """Raise the soft limit of open files for the duration of a job, if it is too low for it."""
    variables = sum(1 for operator in pipeline.operators for output in operator.outputs if output.fastio)
    wanted = _OWN + _OPERATOR * len(pipeline.operators) + _VARIABLE * variables
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or soft >= wanted:
        yield
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == unlimited else min(wanted, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
