"""A request to end a running job, which may come from a signal handler, another thread, or the job socket."""

from __future__ import annotations

import os

# Seconds between asking an operator to end (SIGTERM) and ending it (SIGKILL).
GRACE = 10.0


class StopRequest:
    """Wakes the runner's loop; asking a second time ends the patience with operators that clean up.

    Attributes:
        descriptor: readable once the job is asked to end.
        reason: why, in words; None as long as nobody asked.
        times: how often it was asked for.
    """

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.reason: str | None = None
        self.times = 0

    def request(self, reason: str) -> None:
        """Ask for the end; safe in a signal handler."""
        self.reason = self.reason or reason
        self.times += 1
        os.eventfd_write(self.descriptor, 1)

    def acknowledge(self) -> None:
        """Make the descriptor unreadable until the next request."""
        try:
            os.eventfd_read(self.descriptor)
        except BlockingIOError:
            pass

    def close(self) -> None:
        os.close(self.descriptor)
