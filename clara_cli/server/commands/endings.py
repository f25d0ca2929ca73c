"""How a job ended, for who followed it: from its record, because its runner was another process."""

from __future__ import annotations

import os
import re

from clara_cli.jobs.actions import JobView
from clara_cli.jobs.states import JobStatus
from clara_cli.runtime.plan import operator_log
from clara_cli.runtime.process import log_tail
from clara_cli.server import codes
from clara_cli.server.wire import commands_pb2 as wire

Failure = wire.FollowJobResponse.Failure
# As runtime/runner.py records what failed.
_FAILED = re.compile(
    r"(?P<kind>operator|service) (?P<name>.+?)(?:, needed by operator .+?,)? failed: "
    r"(?P<reason>.*?)(?:; its last words: .*)?",
    re.DOTALL,
)
_CANCELLED = "cancelled: "


def ending(view: JobView) -> wire.FollowJobResponse.Ending:
    """The end of a job that has stopped."""
    status = view.job.status
    said = [message.text for message in view.messages if message.severity == "error"]
    answer = wire.FollowJobResponse.Ending(status=status.value)
    if status is JobStatus.TERMINATED:
        answer.terminated = said[-1] if said else "a time limit was exceeded"
    elif status is JobStatus.CANCELED:
        reasons = [message.text for message in view.messages if message.text.startswith(_CANCELLED)]
        answer.stopped = reasons[-1].removeprefix(_CANCELLED) if reasons else "cancelled"
    elif status is not JobStatus.HEALTHY:
        answer.failures.extend(failure for text in said if (failure := _failure(view, text)) is not None)
        if not answer.failures:
            answer.error = "\n".join(said) or f"it ended with {status.wire}"
    return answer


def _failure(view: JobView, text: str) -> wire.FollowJobResponse.Failure | None:
    found = _FAILED.fullmatch(text)
    if found is None:
        return None
    log = operator_log(view.folder, found["name"])
    code = next((operator.exit_code for operator in view.operators if operator.name == found["name"]), None)
    return Failure(
        kind=found["kind"],
        name=found["name"],
        reason=found["reason"],
        exit_code=code,
        log=os.fsencode(log),
        said=map(codes.clean, log_tail(log)),
    )
