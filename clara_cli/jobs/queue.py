"""The queue of a root's jobs, without a server: each job's runner waits for its turn and is woken by the others.

The order and the sums are `turns`, the records `claims`. A runner that is woken finds in the database what changed.
A runner that dies tells nobody: the first in the queue looks for such every second, the second every two, and so on.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable

from clara_cli.database import Database
from clara_cli.errors import RuntimeFailure
from clara_cli.jobs import claims, store
from clara_cli.jobs.recovery import follow_up, recover
from clara_cli.jobs.states import JobEvent, JobState
from clara_cli.runtime.capacity import Machine, Need
from clara_cli.runtime.stop import StopRequest

# Seconds after which the first of those who wait looks whether a runner has died.
LOOK = 1.0
_CREDENTIALS = struct.Struct("3i")


class Bell:
    """Where the runner of a job hears that it has got room, or that its end is asked for.

    Only this user (or root) is heard, and what counts is what the database says then.
    """

    def __init__(self, job_id: str) -> None:
        """Listen.

        Raises:
            RuntimeFailure: another runner of this job listens, or sockets cannot be made.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self._socket.bind(claims.bell_name(job_id))
        except OSError as error:
            self._socket.close()
            raise RuntimeFailure(f"cannot listen for the turn of job {job_id}: {error.strerror}") from error

    def fileno(self) -> int:
        return self._socket.fileno()

    def words(self) -> set[bytes]:
        """What was said since the last time."""
        found: set[bytes] = set()
        while True:
            try:
                word, ancillary, _, _ = self._socket.recvmsg(16, socket.CMSG_SPACE(_CREDENTIALS.size))
            except OSError:
                return found
            for _, kind, data in ancillary:
                if kind == socket.SCM_CREDENTIALS and _CREDENTIALS.unpack(data)[1] in (0, os.geteuid()):
                    found.add(word)

    def close(self) -> None:
        self._socket.close()


def wait_for_turn(
    database: Database, job_id: str, bell: Bell, stop: StopRequest, queued: Callable[[int, int], None]
) -> str | None:
    """Wait until a submitted job may run, and make it RUNNING.

    Args:
        queued: told the place in the queue and how many wait, whenever that may have changed, and at last 0.

    Returns:
        why the job was cancelled meanwhile; None when it runs now.
    """
    ready = select.poll()
    for descriptor in (bell.fileno(), stop.descriptor):
        ready.register(descriptor, select.POLLIN)
    shown = False
    while True:
        with database.write() as connection:
            ended = store.state_of(connection, job_id) is JobState.STOPPED
            if not ended and stop.reason is not None:
                store.cancel(connection, job_id, stop.reason)
                ended = True
            settled = claims.settle(connection, database.root)
            runs = not ended and job_id in claims.held(connection)
            if runs:
                store.change_job(connection, job_id, JobEvent.RUN)
            reason = store.cancel_reason(connection, job_id) or "cancelled"
            place, waiting = (0, 0) if runs or ended else claims.place(connection, job_id)
        follow_up(database, settled, job_id)
        if place or shown:
            queued(place, waiting)
            shown = True
        if runs or ended:
            return None if runs else reason
        if ready.poll(1000 * LOOK * max(1, place)):
            bell.words()
        else:
            recover(database)


class SharedRoom:
    """A machine's room for the operators of one job, shared with all jobs of the root (a `runtime.capacity.Room`)."""

    def __init__(self, database: Database, job_id: str, machine: Machine, bell: Bell, stop: StopRequest) -> None:
        self._database = database
        self._job_id = job_id
        self._machine = machine
        self._bell = bell
        self._stop = stop
        with database.read() as connection:
            self._asked = claims.asked(connection, job_id)
            self._held = claims.held(connection).get(job_id, {})
        self._released: list[str] = []
        self._next_look: float | None = None

    @property
    def descriptor(self) -> int:
        return self._bell.fileno()

    def patience(self, waiting: bool) -> float | None:
        if not waiting or self._next_look is None:
            return None
        return max(0.0, self._next_look - time.monotonic())

    def look(self) -> None:
        self._next_look = time.monotonic()
        if b"cancel" in self._bell.words():
            with self._database.read() as connection:
                reason = store.cancel_reason(connection, self._job_id)
            if reason is not None:
                self._stop.request(reason)

    def admit(self, waiting: Iterable[tuple[str, Need]]) -> list[str]:
        """Ask for what they need; returns who has it."""
        wanted = list(waiting)
        new = [(name, need) for name, need in wanted if name not in self._asked]
        due = self._next_look is not None and time.monotonic() >= self._next_look
        if new or self._released or (wanted and due):
            self._exchange(new)
        admitted = [name for name, _ in wanted if name in self._held]
        if len(admitted) == len(wanted):
            self._next_look = None
        elif self._next_look is None:
            self._next_look = time.monotonic() + LOOK
        return admitted

    def _exchange(self, new: list[tuple[str, Need]]) -> None:
        """Give back, ask, and let everybody have what is free."""
        if not new and not self._released:
            recover(self._database)
        with self._database.write() as connection:
            claims.give_back(connection, self._job_id, self._released)
            claims.ask(connection, self._job_id, new, self._machine)
            settled = claims.settle(connection, self._database.root)
            self._held = claims.held(connection).get(self._job_id, {})
        follow_up(self._database, settled, self._job_id)
        self._asked.update(name for name, _ in new)
        self._released.clear()
        self._next_look = time.monotonic() + LOOK

    def devices(self, name: str) -> tuple[str, ...]:
        return self._held.get(name, ())

    def release(self, name: str) -> None:
        """The operator has ended; said to the others when the schedule asks what is next."""
        if name in self._asked:
            self._released.append(name)
