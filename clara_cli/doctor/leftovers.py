"""What dead processes left behind: jobs without a runner, folders without a record, records without a folder."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from clara_cli.doctor.finding import Finding, Level
from clara_cli.jobs.listing import live_jobs
from clara_cli.jobs.lock import is_held

_ID = re.compile(r"[0-9a-f]{32}")
_SHOWN = 5


def check_leftovers(root: Path, database: Path) -> Iterator[Finding]:
    """Compare the folders of a root with its records; a root of another version is left to that one."""
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=5.0)) as connection:
            # Folders first: a payload that is made meanwhile is then no folder without a record.
            folders = {kind: _ids_in(root / kind) for kind in ("payloads", "jobs")}
            jobs = dict(connection.execute("SELECT id, payload_id FROM jobs"))
            payloads = {identity for (identity,) in connection.execute("SELECT id FROM payloads")}
            live = live_jobs(connection)
    except sqlite3.Error:
        return
    dead = [job_id for job_id in live if not is_held(root / "jobs" / job_id)]
    if dead:
        text = f"{len(dead)} without a runner (killed, or the machine was restarted): {_listed(dead)}"
        advice = "clara list jobs ends what is left of them and marks them; clara start job -j ID --resume goes on"
        yield Finding("jobs", Level.WARNING, text, advice)
    else:
        yield Finding("jobs", Level.OK, f"{len(live)} started and not ended, each with its runner")
    known = payloads | set(jobs.values())
    orphans = sorted(folders["payloads"] - known)
    if orphans:
        text = f"{len(orphans)} folders that belong to nothing: {_listed(orphans)}"
        yield Finding("payloads", Level.WARNING, text, f"look into {root / 'payloads'} and remove them by hand")
    lost = sorted(job_id for job_id, payload in jobs.items() if payload in payloads - folders["payloads"])
    if lost:
        text = f"{len(lost)} jobs whose files are gone: {_listed(lost)}"
        yield Finding("payloads", Level.WARNING, text, "clara delete jobs ID removes their records")
    if not orphans and not lost:
        yield Finding("payloads", Level.OK, f"{len(folders['payloads'])}, each with its record")
    stray = sorted(folders["jobs"] - jobs.keys())
    if stray:
        text = f"{len(stray)} folders of logs without a job: {_listed(stray)}"
        yield Finding("jobs", Level.NOTE, text, f"they may be removed from {root / 'jobs'}")


def _ids_in(folder: Path) -> set[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        return {entry.name for entry in entries if _ID.fullmatch(entry.name)}
    return set()


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + more
