"""Removing the payloads of jobs that have ended, by age and by what they take on the disk. The records stay.

Never touched: payloads of jobs that are pending or running, and reusable ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.errors import ClaraError, NotFound
from clara_cli.jobs.store import add_message
from clara_cli.payloads.removal import finish_removal, note_removal
from clara_cli.payloads.staging import sweep_payloads
from clara_cli.payloads.store import delete_payload
from clara_cli.payloads.tree import payload_tree
from clara_cli.payloads.walk import disk_usage
from clara_cli.retention import NO_LIMIT, Retention

# Seconds for which results can be downloaded before a configured limit takes them.
GRACE = 3600.0


class Ended(NamedTuple):
    """The payload of a job that has ended; `size` in bytes on the disk, `stopped` in seconds since 1970, UTC."""

    job_id: str
    payload_id: str
    name: str
    status: str
    stopped: float
    size: int

    @property
    def succeeded(self) -> bool:
        return self.status == "HEALTHY"


def choose(payloads: Iterable[Ended], limits: Retention, now: float) -> list[Ended]:
    """Which payloads go: those that are too old, then the oldest until the rest fits, failed jobs last. Pure."""
    chosen: list[Ended] = []
    kept: list[Ended] = []
    for payload in payloads:
        limit = limits.older_than if payload.succeeded else limits.failed_older_than
        (chosen if limit is not None and now - payload.stopped > limit else kept).append(payload)
    if limits.max_size is not None:
        total = sum(payload.size for payload in kept)
        for payload in sorted(kept, key=lambda kept: (not kept.succeeded, kept.stopped)):
            if total <= limits.max_size:
                break
            chosen.append(payload)
            total -= payload.size
    return sorted(chosen, key=lambda payload: payload.stopped)


def find_cleanable(database: Database, limits: Retention) -> list[Ended]:
    """What `clean` would remove, oldest first."""
    return choose(_ended(database), limits, time.time())


def clean(database: Database, chosen: Sequence[Ended]) -> list[Ended]:
    """Remove these payloads; returns those that were removed here.

    Raises:
        PayloadError: a folder cannot be removed; those before it are.
    """
    sweep_payloads(database)
    return [payload for payload in chosen if _remove(database, payload)]


def clean_as_configured(database: Database, config: Config) -> str | None:
    """Apply the limits of the configuration, when a job ends; returns what went wrong, which fails no job."""
    if config.clean == NO_LIMIT:
        return None
    try:
        chosen = find_cleanable(database, config.clean)
        clean(database, [payload for payload in chosen if time.time() - payload.stopped > GRACE])
    except ClaraError as error:
        return error.message
    return None


_ENDED = """SELECT jobs.id, payloads.id, jobs.name, jobs.status, jobs.stopped, payloads.size
    FROM payloads JOIN jobs ON jobs.payload_id = payloads.id
    WHERE jobs.state = 'STOPPED' AND payloads.kind = 'PIPELINE' ORDER BY jobs.stopped"""


def _ended(database: Database) -> list[Ended]:
    """Payloads of jobs that have ended, oldest first. A size is measured once, because nothing changes any more."""
    with database.read() as connection:
        rows = connection.execute(_ENDED).fetchall()
    usage = {row[1]: disk_usage(payload_tree(database.root, row[1]).path) for row in rows if row[5] is None}
    if usage:
        with database.write() as connection:
            connection.executemany("UPDATE payloads SET size = ? WHERE id = ?", [(usage[key], key) for key in usage])
    return [Ended._make((*row[:5], usage.get(row[1], row[5]))) for row in rows]


def _remove(database: Database, payload: Ended) -> bool:
    """Whether this process removed it; another may have come before."""
    try:
        with database.write() as connection:
            query = f"{_ENDED.partition('ORDER')[0]} AND payloads.id = ?"
            if connection.execute(query, (payload.payload_id,)).fetchone() is None:
                raise NotFound(f"payload {payload.payload_id} is gone")
            delete_payload(connection, payload.payload_id)
            note_removal(connection, database.root.path, database.root.payloads / payload.payload_id)
            add_message(connection, payload.job_id, "info", "its payload was removed by clara clean")
    except NotFound:
        return False
    finish_removal(database)
    return True
