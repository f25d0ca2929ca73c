"""Runners for a process that starts many jobs: one is kept ready, with all loaded that a job needs."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from clara_cli.config import Config
from clara_cli.errors import RuntimeFailure
from clara_cli.home import from_home
from clara_cli.jobs.spare import READY, TAKEN
from clara_cli.jobs.start import SubmittedJob, detach, run_detached
from clara_cli.root import Root

# Seconds in which a runner that said it is ready has to take a job.
_PATIENCE = 30.0


class Runners:
    """Hands jobs to runners of their own. The one that waits ends with this process, those with a job do not."""

    def __init__(self, root: Root, config: Config, config_file: str | None) -> None:
        self._root = root
        self._config = config
        self._config_file = config_file
        self._lock = threading.Lock()
        self._closed = False
        self._spare: socket.socket | None = None
        self._refill()

    def run(self, submitted: SubmittedJob) -> None:
        """Give a submitted job to the runner that is ready, else to one that is started for it.

        Raises:
            RuntimeFailure: the runner did not start.
        """
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is None:
            run_detached(submitted, self._config, self._config_file)
            return
        with spare:
            self._refill()
            if not _give(spare, submitted):
                run_detached(submitted, self._config, self._config_file)

    def close(self) -> None:
        """Let the runner go that waits."""
        with self._lock:
            self._closed = True
            if self._spare is not None:
                self._spare.close()
                self._spare = None

    def _refill(self) -> None:
        threading.Thread(target=self._start, name="spare runner", daemon=True).start()

    def _start(self) -> None:
        """Start a runner; without one, jobs start all the same."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, suppress(OSError):
            file = str(from_home(self._config_file).absolute()) if self._config_file else ""
            words = ["clara_cli.jobs.spare", str(theirs.fileno()), file]
            if detach(words, self._root, self._config, theirs.fileno(), None) == 0:
                with self._lock:
                    if not self._closed and self._spare is None:
                        self._spare = ours
                        return
        ours.close()


def _give(spare: socket.socket, submitted: SubmittedJob) -> bool:
    """Whether the runner took the job; False when it is gone, and never will."""
    spare.settimeout(_PATIENCE)
    try:
        # One that is still loading is no slower than one that would be started now.
        if spare.recv(len(READY)) != READY:
            return False
        with (submitted.plan.folder / "runner.log").open("ab") as log:
            socket.send_fds(spare, [submitted.plan.job_id.encode()], [submitted.lock, log.fileno()])
        return spare.recv(len(TAKEN)) == TAKEN
    except TimeoutError:
        # It may take the job still: nobody else may.
        raise RuntimeFailure("the job's runner does not answer") from None
    except OSError:
        return False
