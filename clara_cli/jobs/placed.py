"""Records of jobs that run elsewhere. Every function takes the connection of the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

SLURM = "slurm"
_FIELDS = "job_id, remote, taken, seen, node"


class Placed(NamedTuple):
    """Where a job is.

    Attributes:
        remote: the engine's id of it; None while it is handed over.
        taken: bytes of its journal that are in the records.
        seen: what the engine said last, such as `PENDING (Resources)`; empty before.
        node: where it runs or ran; empty before.
        submitted: when its start was accepted, seconds since 1970.
    """

    job_id: str
    remote: str | None
    taken: int
    seen: str
    node: str
    submitted: float | None = None

    def __str__(self) -> str:
        where = self.remote or "being handed over"
        return " ".join(filter(None, [where, f"on {self.node}" if self.node else "", self.seen]))


def enter(connection: sqlite3.Connection, jobs: Iterable[str]) -> None:
    """Note that jobs are about to be handed over: from now on no runner of this machine is expected."""
    connection.executemany("INSERT INTO placed (job_id, engine) VALUES (?, ?)", [(job, SLURM) for job in jobs])


def hand_over(connection: sqlite3.Connection, remotes: Iterable[tuple[str, str]]) -> None:
    """Note the engine's ids of jobs, given as (job, id)."""
    connection.executemany("UPDATE placed SET remote = ? WHERE job_id = ?", [(remote, job) for job, remote in remotes])


def leave(connection: sqlite3.Connection, jobs: Iterable[str]) -> None:
    """Note that jobs were not handed over."""
    connection.executemany("DELETE FROM placed WHERE job_id = ?", [(job,) for job in jobs])


def find(connection: sqlite3.Connection, job_id: str) -> Placed | None:
    """Where a job was placed; None for one of this machine."""
    row = connection.execute(f"SELECT {_FIELDS} FROM placed WHERE job_id = ?", (job_id,)).fetchone()
    return Placed._make((*row, None)) if row else None


def live(connection: sqlite3.Connection) -> list[Placed]:
    """Those that have not ended, by what the records say."""
    # The condition of the index that lists live jobs, however many have ended.
    query = (
        f"SELECT {_FIELDS}, submitted FROM jobs INDEXED BY jobs_live JOIN placed ON placed.job_id = jobs.id "
        "WHERE state != 'STOPPED' AND submitted IS NOT NULL"
    )
    return [Placed._make(row) for row in connection.execute(query)]


def took(connection: sqlite3.Connection, job_id: str, taken: int) -> None:
    """Note how much of a job's journal is in the records."""
    connection.execute("UPDATE placed SET taken = ? WHERE job_id = ?", (taken, job_id))


def note(connection: sqlite3.Connection, job_id: str, remote: str, node: str) -> None:
    """What a job's own runner says about where it is."""
    connection.execute(
        "UPDATE placed SET remote = coalesce(remote, ?), node = ?, seen = 'RUNNING' WHERE job_id = ?",
        (remote or None, node, job_id),
    )


def saw(connection: sqlite3.Connection, seen: Iterable[tuple[str, str]]) -> None:
    """Note what the engine says of jobs, given as (job, text)."""
    connection.executemany("UPDATE placed SET seen = ? WHERE job_id = ?", [(text, job) for job, text in seen])


def may_look(connection: sqlite3.Connection, now: float, interval: float) -> bool:
    """Whether the engine was last asked so many seconds ago; if so, it counts as asked now."""
    connection.execute("INSERT OR IGNORE INTO looks VALUES (?, 0, NULL)", (SLURM,))
    # A clock that was set back must not keep everybody from looking.
    changed = connection.execute(
        "UPDATE looks SET at = ?1 WHERE engine = ?2 AND (at <= ?1 - ?3 OR at > ?1 + 60)", (now, SLURM, interval)
    )
    return changed.rowcount > 0


def looked(connection: sqlite3.Connection, at: float, error: str | None) -> None:
    """Note when the engine was asked, and why it did not answer."""
    connection.execute("UPDATE looks SET at = ?, error = ? WHERE engine = ?", (at, error, SLURM))


def silence(connection: sqlite3.Connection) -> str | None:
    """Why the engine did not answer the last time; None where it did."""
    row = connection.execute("SELECT error FROM looks WHERE engine = ?", (SLURM,)).fetchone()
    return row[0] if row else None
