"""What operators of all jobs of a root hold of the machine, kept in the database.

Whoever asks for something or gives something back decides for all who wait, and wakes those who got something. It
also sees, by the locks that runners hold, which of those in the way are dead: their jobs are to be cleared at once.
Every function but `wake` takes the connection of the caller's transaction.
"""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from clara_cli.jobs import lock
from clara_cli.jobs.states import JobPriority, JobState
from clara_cli.jobs.turns import Claim, draw, grant, in_turn
from clara_cli.root import Root
from clara_cli.runtime.capacity import Machine, Need


def all_claims(connection: sqlite3.Connection) -> list[Claim]:
    """Every claim, in order of asking."""
    rows = connection.execute(
        "SELECT number, job_id, operator, priority, state, ticket, cpus, memory, gpus, machine, devices, parent "
        "FROM claims JOIN jobs ON jobs.id = claims.job_id ORDER BY number"
    )
    return [
        Claim(
            *(number, job_id, operator, JobPriority(priority), state == JobState.PENDING.value, ticket),
            *(Need(cpus, memory, gpus), _machine(machine)),
            *(None if devices is None else tuple(json.loads(devices)), parent),
        )
        for number, job_id, operator, priority, state, ticket, cpus, memory, gpus, machine, devices, parent in rows
    ]


def _machine(text: str) -> Machine:
    cpus, memory, gpus = json.loads(text)
    return Machine(cpus, memory, tuple(gpus))


def ask(
    connection: sqlite3.Connection, job_id: str, wanted: Iterable[tuple[str, Need]], machine: Machine, ticket: int = 0
) -> None:
    """Note what operators of a job wait for, in their order; those that are noted already keep their place."""
    seen = json.dumps([machine.cpus, machine.memory, machine.gpus])
    connection.executemany(
        "INSERT OR IGNORE INTO claims (job_id, operator, ticket, cpus, memory, gpus, machine) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(job_id, name, ticket, need.cpus, need.memory, need.gpus, seen) for name, need in wanted],
    )


def enter(
    connection: sqlite3.Connection,
    job_id: str,
    priority: JobPriority,
    first: Iterable[tuple[str, Need]],
    machine: Machine,
) -> None:
    """Draw a ticket for a job; its turn comes when there is room for the first of its first operators."""
    waiting = [c.ticket for c in all_claims(connection) if c.pending and c.devices is None and c.priority is priority]
    (latest,) = connection.execute("SELECT ticket FROM turns").fetchone()
    ask(connection, job_id, first, machine, draw(priority, waiting, latest))


def give_back(connection: sqlite3.Connection, job_id: str, operators: Iterable[str]) -> None:
    """Operators have ended, whether they held anything or not."""
    connection.executemany(
        "DELETE FROM claims WHERE job_id = ? AND operator = ?", [(job_id, operator) for operator in operators]
    )


def asked(connection: sqlite3.Connection, job_id: str) -> set[str]:
    """The operators of a job that hold or wait for something."""
    rows = connection.execute("SELECT operator FROM claims WHERE job_id = ?", (job_id,))
    return {operator for (operator,) in rows}


def held(connection: sqlite3.Connection) -> dict[str, dict[str, tuple[str, ...]]]:
    """The operators that got what they asked for, with their GPUs, by job."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for job_id, operator, devices in connection.execute(
        "SELECT job_id, operator, devices FROM claims WHERE devices IS NOT NULL"
    ):
        found.setdefault(job_id, {})[operator] = tuple(json.loads(devices))
    return found


def anybody_waits(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM claims WHERE devices IS NULL LIMIT 1").fetchone() is not None


class Settled(NamedTuple):
    """The jobs that got something, and those whose runner is dead while others wait for what they hold."""

    woken: set[str]
    dead: set[str]


def settle(connection: sqlite3.Connection, root: Root) -> Settled:
    """Give what is free to those whose turn it is. The caller wakes them, and evicts the dead, after the commit."""
    if not anybody_waits(connection):
        return Settled(set(), set())

    @cache
    def alive(job_id: str) -> bool:
        return lock.is_held(root.jobs / job_id)

    claims = all_claims(connection)
    granted = grant(claims, alive)
    for claim, devices in granted:
        connection.execute("UPDATE claims SET devices = ? WHERE number = ?", (json.dumps(devices), claim.number))
        if claim.pending:
            connection.execute("UPDATE turns SET ticket = max(ticket, ?)", (claim.ticket,))
    dead = {claim.job_id for claim in claims if claim.devices is not None and not alive(claim.job_id)}
    return Settled({claim.job_id for claim, _ in granted}, dead)


def place(connection: sqlite3.Connection, job_id: str) -> tuple[int, int]:
    """Which one of the jobs that wait for their turn a job is, from 1, and how many they are; 0 when it does not."""
    claims = all_claims(connection)
    begun = {claim.job_id for claim in claims if claim.devices is not None}
    waiting = list(dict.fromkeys(c.job_id for c in in_turn(claims) if c.pending and c.job_id not in begun))
    return (waiting.index(job_id) + 1 if job_id in waiting else 0), len(waiting)


def bell_name(job_id: str) -> str:
    """Abstract address of the socket at which a job's runner is woken; nothing is left of it after a crash."""
    return f"\0clara-bell-{job_id}"


def wake(jobs: Iterable[str], word: bytes = b"room") -> None:
    """Tell runners that something has changed for them in the database. Who has ended does not hear it."""
    listed = list(jobs)
    if not listed:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as bell:
        for job_id in listed:
            with suppress(OSError):
                bell.sendto(word, bell_name(job_id))
