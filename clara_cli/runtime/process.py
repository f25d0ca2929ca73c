"""One operator's process: its output goes to a log, and it never outlives its job."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack, suppress
from pathlib import Path

from clara_cli.errors import RuntimeFailure
from clara_cli.runtime.child import Child, OperatorRequest, Spawned
from clara_cli.runtime.fork_server import ForkServer
from clara_cli.runtime.operator_log import OperatorLog
from clara_cli.runtime.usage import Meter, Usage

__all__ = ["OperatorProcess", "OperatorRequest", "exit_text", "log_tail"]
_CHUNK = 1 << 16
_FULL_PIPE = 1 << 20
# Characters of a log line that are quoted in a message.
_WIDEST = 400


class OperatorProcess:
    """A running operator.

    Attributes:
        handle: readable when the process has ended, and may be before.
        output: read end of the pipe that is both stdout and stderr of the operator, so lines keep their order.
        log: where it goes.
        unstarted: after its end: why its program never ran; None when it did.
        unheard: after its end: its program never ran because the fork server had ended.
        gone: after its end: it is certain that no process it started lives.
        meter: sees what it takes.
    """

    unstarted: str | None = None
    unheard: bool = False
    gone: bool = False

    def __init__(self, request: OperatorRequest, warm: ForkServer | None = None) -> None:
        """Start it.

        Args:
            warm: forks it, if it can; else it is started anew.

        Raises:
            RuntimeFailure: the program cannot be executed; the message says why.
        """
        with ExitStack() as stack:
            self._request = request
            self.log = OperatorLog(request.log, request.log_limit)
            stack.callback(self.log.close)
            self.output, writer = os.pipe2(os.O_CLOEXEC)
            stack.callback(os.close, self.output)
            os.set_blocking(self.output, False)
            try:
                self._child = _child(request, writer, warm)
            finally:
                os.close(writer)
            stack.callback(self._child.close)
            self.meter = Meter(lambda: self._child.pid)
            self.handle = self._child.handle
            self._open = stack.pop_all()

    def drain(self) -> bool:
        """Move some of what the operator wrote into its log; False when nothing more will come.

        One piece a time, so that an operator that writes without end does not keep the runner from its other work.
        """
        try:
            chunk = os.read(self.output, _CHUNK)
        except BlockingIOError:
            return True
        self.log.write(chunk)
        return bool(chunk)

    def failure(self, code: int) -> str:
        """Why it did not end well, in words."""
        return exit_text(code) if self.unstarted is None else f"it could not be started: {self.unstarted}"

    @property
    def usage(self) -> Usage | None:
        """What it took; None of one that ended too soon to be seen."""
        return self.meter.usage

    @property
    def groups(self) -> set[int]:
        """Its process groups: where it is enclosed, bubblewrap's own and the one inside."""
        return self._child.groups

    def ended(self) -> bool:
        """Once the handle is readable: whether it has ended."""
        return self._child.ended()

    def signal(self, number: int) -> None:
        """Send a signal to the operator's whole process group."""
        self._child.signal(number)

    def reap(self) -> int:
        """Collect the ended process: kill what is left of its group, empty the pipe, close everything.

        Returns:
            the exit code, negative for a signal.
        """
        with self._open:
            end = self._child.reap()
            # What it left behind outside its group may go on writing: no more than a full pipe is waited for.
            for _ in range(_FULL_PIPE // _CHUNK):
                if not self.drain():
                    break
        self.gone, self.unheard = end.alone, end.unheard
        if not end.began:
            self.unstarted = end.why or self._child.explain(log_tail(self._request.log))
        return end.code


def _child(request: OperatorRequest, output: int, warm: ForkServer | None) -> Child:
    if warm is not None and warm.takes(request.argv, request.environment, request.descriptors):
        from clara_cli.runtime.forked import Forked

        # Whatever ended the fork server is no reason for an operator not to run.
        with suppress(RuntimeFailure):
            return Forked(request, output, warm)
    return Spawned(request, output)


def exit_text(code: int) -> str:
    """How a process ended, in words: `exit code 3`, `killed by SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def log_tail(log: Path, lines: int = 10) -> list[str]:
    """The last lines of a log; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - (1 << 14)))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line if len(line) <= _WIDEST else f"{line[:_WIDEST]}…" for line in text.splitlines()[-lines:]]
