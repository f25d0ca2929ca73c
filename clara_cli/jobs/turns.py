"""Whose turn it is: tickets for jobs that wait, and who gets the room that is left. Pure decisions.

Weighted fair queueing: a job draws a ticket when its start is accepted, further on by a step that is the smaller the
higher its priority, and the lowest ticket is next. While jobs of all priorities wait, HIGHER, NORMAL and LOWER take
turns 4 : 2 : 1. A ticket never changes and those drawn later go up, so no job waits for ever. IMMEDIATE jobs come
before all others. Operators of jobs that run come before jobs that wait, so that what was begun is finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from clara_cli.jobs.states import JobPriority
from clara_cli.runtime.capacity import Machine, Need

# How far on the next ticket of a priority is; IMMEDIATE jobs go by the order of their start alone.
STEPS = {JobPriority.HIGHER: 1, JobPriority.NORMAL: 2, JobPriority.LOWER: 4, JobPriority.IMMEDIATE: 0}


def draw(priority: JobPriority, waiting: Iterable[int], latest: int) -> int:
    """A ticket.

    Args:
        waiting: tickets of jobs of this priority that wait.
        latest: ticket of the job whose turn came last: nobody has a claim on the time before.
    """
    return max(latest, *waiting, 0) + STEPS[priority]


class Claim(NamedTuple):
    """What one operator holds of the machine, or waits for.

    Attributes:
        number: order of asking.
        pending: it is of a job that has not begun: its turn comes when there is room for the first of its claims.
        ticket: of such a job, the same for all its claims.
        machine: what may be used at once, as seen by whoever asks.
        devices: the GPUs that it holds; None while it waits.
        parent: the job whose operator started this one.
    """

    number: int
    job_id: str
    operator: str
    priority: JobPriority
    pending: bool
    ticket: int
    need: Need
    machine: Machine
    devices: tuple[str, ...] | None = None
    parent: str | None = None


def in_turn(claims: Iterable[Claim]) -> list[Claim]:
    """Those who wait, whose turn is first in front."""
    return sorted((claim for claim in claims if claim.devices is None), key=_turn)


def _turn(claim: Claim) -> tuple[int, bool, int, int, int]:
    if claim.priority is JobPriority.IMMEDIATE:
        return (0, claim.pending, 0, 0, claim.number)
    if not claim.pending:
        return (1, False, 0, 0, claim.number)
    return (2, True, claim.ticket, STEPS[claim.priority], claim.number)


def grant(claims: Iterable[Claim], alive: Callable[[str], bool]) -> list[tuple[Claim, tuple[str, ...]]]:
    """Who gets what it waits for now, with the GPUs that become its own.

    One that does not fit keeps what is free for itself, as among the operators of one job. What an operator holds
    is free for others while a job that it started lives: it waits for that job's end, which would never come.

    Args:
        alive: whether a job has a runner; jobs without one get nothing. What they hold counts until their processes
            have been ended and their claims are gone.
    """
    known = list(claims)
    lending = {claim.parent for claim in known}
    holding = [claim for claim in known if claim.devices is not None]
    counted = [claim for claim in holding if claim.job_id not in lending]
    begun = {claim.job_id for claim in holding}
    taken = _sum(claim.need for claim in counted)
    devices = {device for claim in counted for device in claim.devices or ()}
    granted = []
    seen: set[str] = set()
    for claim in in_turn(known):
        first = claim.job_id not in seen
        seen.add(claim.job_id)
        if claim.pending and not first and claim.job_id not in begun:
            continue
        machine = claim.machine
        free = [device for device in machine.gpus if device not in devices]
        if machine.cpus <= taken.cpus or not alive(claim.job_id):
            continue
        fits = claim.need.cpus <= machine.cpus - taken.cpus and claim.need.memory <= machine.memory - taken.memory
        if fits and claim.need.gpus <= len(free):
            own = tuple(free[: claim.need.gpus])
            granted.append((claim, own))
            begun.add(claim.job_id)
            devices.update(own)
        else:
            # Kept free for it: of the GPUs no more than it wants.
            devices.update(free[: claim.need.gpus])
        taken = _sum((taken, claim.need))
    return granted


def _sum(needs: Iterable[Need]) -> Need:
    cpus = memory = gpus = 0
    for item in needs:
        cpus, memory, gpus = cpus + item.cpus, memory + item.memory, gpus + item.gpus
    return Need(cpus, memory, gpus)
