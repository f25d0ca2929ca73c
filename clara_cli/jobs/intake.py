"""Taking in how jobs go that run elsewhere: what their journals say, and what Slurm says of those that say nothing.

Done by whichever command or server looks, each line once: how far a journal is in the records is written with them in
one transaction. The end that a job reports counts, unless a signal had to do with it: then Slurm is asked first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from sqlite3 import Connection, IntegrityError, InterfaceError, ProgrammingError

from clara_cli.database import Database
from clara_cli.errors import NotFound, RuntimeFailure, StateConflict
from clara_cli.jobs import journal, lock, placed, store
from clara_cli.jobs.journal import Entry
from clara_cli.jobs.outcome import event_of
from clara_cli.jobs.placed import Placed
from clara_cli.jobs.states import JobEvent, JobState, OperatorEvent
from clara_cli.runtime.usage import Usage
from clara_cli.slurm.states import End, Phase, Seen, Verdict, verdict

# Seconds between two looks at Slurm: at the least, at the most, and after it did not answer.
SOON, LATE, SILENT = 2.0, 15.0, 10.0
_FEW = 50
_AGAIN = "put back, "
# Seconds after which a hand-over of which nothing is heard has failed.
_LOST = 60.0
# What comes of an event that no runner wrote.
_IMPOSSIBLE = (
    *(KeyError, TypeError, ValueError, AttributeError, OverflowError, StateConflict),
    *(IntegrityError, InterfaceError, ProgrammingError),
)
_KEPT = "files and logs are kept, clara start job -j {} --resume runs the job again from there"


def refresh(database: Database) -> None:
    """Bring the records of all jobs that run elsewhere up to date; costs nothing where there are none."""
    with database.read() as connection:
        live = placed.live(connection)
    if not live:
        return
    for item in live:
        # Of many, those that Slurm has not begun by the last look have nothing to say.
        if len(live) <= _FEW or not item.seen.startswith("PENDING"):
            take_in(database, item)
    with database.read() as connection:
        live = placed.live(connection)
    if not live:
        return
    for item in live:
        if item.remote is None:
            _finish_handover(database, item)
    now = time.time()
    # Who was started long ago is in no hurry.
    age = now - max(item.submitted or 0.0 for item in live)
    with database.read() as connection:
        silent = placed.silence(connection) is not None
    interval = SILENT if silent else min(LATE, max(SOON, age / 20))
    with database.write() as connection:
        due = placed.may_look(connection, now, interval)
    if due:
        look_at_slurm(database)


def look_at_slurm(database: Database) -> None:
    """Ask Slurm about all jobs that have not ended, in one call, and end those of which it says so."""
    from clara_cli.slurm.look import look

    with database.read() as connection:
        live = [item for item in placed.live(connection) if item.remote is not None]
    if not live:
        return
    try:
        known = look(item.remote for item in live if item.remote is not None)
    except RuntimeFailure as error:
        with database.write() as connection:
            placed.looked(connection, time.time(), error.message)
        return
    changed = [item for item in live if _words(known, item) != item.seen]
    with database.write() as connection:
        placed.looked(connection, time.time(), None)
        placed.saw(connection, [(item.job_id, _words(known, item)) for item in changed])
        for item in changed:
            seen = known.get(item.remote or "")
            if seen is not None and seen.stuck:
                _say_stuck(connection, item, seen)
    for item in live:
        seen = known.get(item.remote or "")
        put_back = _put_back(item, seen)
        if put_back and not item.seen.startswith(_AGAIN):
            continue  # perhaps it was restarted and has not heard from the node yet: it is believed the second time
        if seen is None or put_back or seen.phase is Phase.ENDED:
            # What it wrote before Slurm said so can be read now.
            settle(database, item, verdict(item.remote or "", seen))
        if put_back:
            _take_back(database, item)


def _say_stuck(connection: Connection, item: Placed, seen: Seen) -> None:
    """Once: the reason may be another one at the next look."""
    begins = "Slurm will not begin the job by itself"
    if not any(message.text.startswith(begins) for message in store.get_messages(connection, item.job_id)):
        text = f"{begins}: {seen}; scontrol show job {item.remote} says more"
        store.add_message(connection, item.job_id, "warning", text)


def _take_back(database: Database, item: Placed) -> None:
    """Nobody begins the job again; then it need not wait either."""
    from clara_cli.jobs import placing

    with suppress(RuntimeFailure):
        placing.cancel(database, [item.job_id])


def _words(known: Mapping[str, Seen], item: Placed) -> str:
    seen = known.get(item.remote or "")
    if seen is None:
        return "not known to Slurm"
    return f"{_AGAIN if _put_back(item, seen) else ''}{seen.state}{f' ({seen.reason})' if seen.reason else ''}"


def _put_back(item: Placed, seen: Seen | None) -> bool:
    """Whether Slurm has a job waiting that has begun."""
    return seen is not None and seen.phase is Phase.WAITING and bool(item.node)


def take_in(database: Database, item: Placed, found: Verdict | None = None) -> None:
    """Bring what a job's journal says since the last time into its records.

    Args:
        found: what Slurm says of its end; None while it is not known.
    """
    folder = database.root.jobs / item.job_id
    if journal.size_of(folder) <= item.taken:
        return
    succeeded = False
    with suppress(NotFound), database.write() as connection:
        now = placed.find(connection, item.job_id)
        if now is None or store.state_of(connection, item.job_id) is JobState.STOPPED:
            return
        taken = now.taken
        for entry, offset in journal.entries(folder, taken):
            if not _apply(connection, item.job_id, entry, found):
                break
            taken = offset
        placed.took(connection, item.job_id, taken)
        job = store.get_job(connection, item.job_id)
        if job.state is JobState.STOPPED and found is None:
            placed.saw(connection, [(item.job_id, "")])  # what Slurm said before is over
        succeeded = job.succeeded
    if succeeded:
        _confirm(database, item)


def _confirm(database: Database, item: Placed) -> None:
    """After a job that ended well: forget the recipes of programs that changed meanwhile."""
    from clara_cli.jobs.handover import read_handover
    from clara_cli.jobs.reuse import confirm

    with suppress(RuntimeFailure, NotFound):
        confirm(database, read_handover(database.root.jobs / item.job_id).plan)


def _apply(connection: Connection, job_id: str, entry: Entry, found: Verdict | None) -> bool:
    """Bring one event into the records; False when it has to wait for what Slurm says.

    What cannot have happened, in a journal that somebody else wrote into, is passed over.
    """
    try:
        return _APPLY[entry.event](connection, job_id, entry, found)
    except _IMPOSSIBLE:
        return True


def settle(database: Database, item: Placed, found: Verdict) -> None:
    """End a job that has ended in Slurm: as its journal says, else as Slurm says."""
    take_in(database, item, found)
    # From now on nobody begins it.
    with suppress(RuntimeFailure):
        journal.open_journal(database.root.jobs / item.job_id)
    with suppress(NotFound), database.write() as connection:
        if store.state_of(connection, item.job_id) is not JobState.STOPPED:
            _end_as_found(connection, item.job_id, found)


def _finish_handover(database: Database, item: Placed) -> None:
    """Whoever handed the job over is gone in the middle of it: it was begun, or never will be."""
    folder = database.root.jobs / item.job_id
    if lock.is_held(folder):
        return
    try:
        given_up = journal.open_journal(folder)
        given_up = given_up or time.time() - journal.journal_of(folder).stat().st_mtime > _LOST
    except (OSError, RuntimeFailure):
        return
    if given_up and journal.size_of(folder) == 0:
        with suppress(NotFound), database.write() as connection:
            if store.state_of(connection, item.job_id) is not JobState.STOPPED:
                text = f"handing the job over to Slurm was interrupted; {_KEPT.format(item.job_id)}"
                store.add_message(connection, item.job_id, "error", text)
                store.end_job(connection, item.job_id, JobEvent.FAULT)


def _end_as_found(connection: Connection, job_id: str, found: Verdict, now: float | None = None) -> None:
    reason = store.cancel_reason(connection, job_id)
    if reason is not None and (found.end is End.CANCEL or not found.sure):
        store.add_message(connection, job_id, "info", f"cancelled: {reason}", now)
        store.end_job(connection, job_id, JobEvent.CANCEL, now)
        return
    event = JobEvent(found.end.value)
    if event is JobEvent.TERMINATE and store.state_of(connection, job_id) is JobState.PENDING:
        event = JobEvent.EVICT  # no limit is over for what has not begun
    severity = "info" if event is JobEvent.CANCEL else "error"
    kept = "" if event is JobEvent.CANCEL else f"; {_KEPT.format(job_id)}"
    store.add_message(connection, job_id, severity, f"{found.text}{kept}", now)
    store.end_job(connection, job_id, event, now)


def _began(connection: Connection, job_id: str, entry: Entry, _: Verdict | None) -> bool:
    placed.note(connection, job_id, entry.values["remote"], entry.values["node"])
    store.set_mounted(connection, job_id, entry.values["mounted"])
    store.change_job(connection, job_id, JobEvent.RUN, entry.at)
    return True


def _operator_began(connection: Connection, job_id: str, entry: Entry, _: Verdict | None) -> bool:
    store.change_operator(connection, job_id, entry.values["operator"], OperatorEvent.BEGIN, now=entry.at)
    return True


def _operator_ended(connection: Connection, job_id: str, entry: Entry, _: Verdict | None) -> bool:
    event = OperatorEvent.COMPLETE if entry.values["completed"] else OperatorEvent.FAULT
    took = entry.values.get("used")
    used = None if took is None else Usage(float(took[0]), int(took[1]))
    store.change_operator(connection, job_id, entry.values["operator"], event, entry.values["code"], entry.at, used)
    return True


def _message(connection: Connection, job_id: str, entry: Entry, _: Verdict | None) -> bool:
    store.add_message(connection, job_id, entry.values["severity"], entry.values["text"], entry.at)
    return True


def _ended(connection: Connection, job_id: str, entry: Entry, found: Verdict | None) -> bool:
    result = journal.result_of(entry)
    reason = store.cancel_reason(connection, job_id)
    if entry.values["doubtful"]:
        if found is None and (reason is None or result.failures):
            return False
        if found is not None and found.sure:
            _end_as_found(connection, job_id, found, entry.at)
            return True
    event = event_of(result)
    if event is JobEvent.CANCEL:
        store.add_message(connection, job_id, "info", f"cancelled: {reason or result.stopped}", entry.at)
    store.end_job(connection, job_id, event, entry.at)
    return True


def _lost(connection: Connection, job_id: str, entry: Entry, found: Verdict | None) -> bool:
    if found is None:
        return False
    if not found.sure:
        text = f"the job's runner was killed by signal {entry.values['signal']}"
        found = Verdict(End.EVICT, text, sure=False)
    _end_as_found(connection, job_id, found, entry.at)
    return True


_APPLY: dict[str, Callable[[Connection, str, Entry, Verdict | None], bool]] = {
    journal.BEGAN: _began,
    journal.OPERATOR_BEGAN: _operator_began,
    journal.OPERATOR_ENDED: _operator_ended,
    journal.MESSAGE: _message,
    journal.ENDED: _ended,
    journal.LOST: _lost,
}
