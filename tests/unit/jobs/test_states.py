"""The life cycles: all good pairs and all bad ones."""

from __future__ import annotations

import itertools

import pytest

from clara_cli.errors import StateConflict
from clara_cli.jobs.states import (
    JOB_TRANSITIONS,
    OPERATOR_TRANSITIONS,
    JobEvent,
    JobState,
    OperatorEvent,
    OperatorStatus,
    next_job_state,
    next_operator_status,
)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(JobState, JobEvent)))
def test_every_pair_of_job_state_and_event(state: JobState, event: JobEvent) -> None:
    if (state, event) in JOB_TRANSITIONS:
        assert next_job_state(state, event) == JOB_TRANSITIONS[state, event]
    else:
        with pytest.raises(StateConflict, match=state.wire):
            next_job_state(state, event)


@pytest.mark.parametrize(("status", "event"), list(itertools.product(OperatorStatus, OperatorEvent)))
def test_every_pair_of_operator_status_and_event(status: OperatorStatus, event: OperatorEvent) -> None:
    if (status, event) in OPERATOR_TRANSITIONS:
        assert next_operator_status(status, event) == OPERATOR_TRANSITIONS[status, event]
    else:
        with pytest.raises(StateConflict, match=status.wire):
            next_operator_status(status, event)


def test_what_has_ended_never_changes_again() -> None:
    assert not [pair for pair in JOB_TRANSITIONS if pair[0] is JobState.STOPPED]
    ended = (OperatorStatus.COMPLETED, OperatorStatus.FAULTED)
    assert not [pair for pair in OPERATOR_TRANSITIONS if pair[0] in ended]
