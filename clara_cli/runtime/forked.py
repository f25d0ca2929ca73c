"""An operator that the fork server forked: the same to the runner as one that was started anew.

With mounts bubblewrap puts its view together around a shell that waits, and the fork enters it. A monitor between the
fork server and the operator tells its number and how it ended, and keeps that number taken until the runner is done.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress

from clara_cli.errors import RuntimeFailure
from clara_cli.runtime.child import End, OperatorRequest, explain_bubblewrap, kill_group, spawn
from clara_cli.runtime.enclosure import Enclosure
from clara_cli.runtime.fork_server import ForkServer
from clara_cli.runtime.process_limit import process_limit

# Says that it runs, and stays until the runner lets it go.
_HOLDER = "echo >/proc/self/fd/{ready}; read -r _ </proc/self/fd/{held}"
# Seconds that an operator may take to become one.
_PATIENCE = 10.0
_LIMITS = tuple(
    getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE"
)


class Forked:
    """A forked operator; leads a session and process group of its own."""

    def __init__(self, request: OperatorRequest, output: int, server: ForkServer) -> None:
        """Have it forked.

        Raises:
            RuntimeFailure: the fork server is gone, or bubblewrap cannot be executed.
        """
        self._request = request
        self._operator: int | None = None
        self._enclosure: Enclosure | None = None
        with ExitStack() as stack, ExitStack() as theirs:

            def pipe() -> tuple[int, int]:
                reader, writer = os.pipe2(os.O_CLOEXEC)
                theirs.callback(os.close, writer)
                return reader, writer

            self._told, told = pipe()
            stack.callback(os.close, self._told)
            self._status, status = socket.socketpair()
            stack.callback(self._status.close)
            theirs.callback(status.close)
            self.handle = self._status.fileno()
            view = self._hold(request, output, stack, theirs) if request.enclosing else ()
            document = theirs.enter_context(os.fdopen(os.memfd_create("operator"), "w+b"))
            document.write(json.dumps(_asked(request)).encode("utf-8", "surrogateescape"))
            document.flush()
            sent = (output, told, status.fileno(), *view, *request.descriptors)
            if not server.fork(document.fileno(), sent):
                raise RuntimeFailure("the fork server is gone; CLARA_WARM_START=0 does without")
            self._open = stack.pop_all()

    def _hold(self, request: OperatorRequest, output: int, stack: ExitStack, theirs: ExitStack) -> tuple[int, int]:
        """Have bubblewrap put the view together; returns where it tells of it and where what is inside does."""
        self._enclosure = enclosure = Enclosure()
        stack.callback(enclosure.close)
        held, hold = os.pipe2(os.O_CLOEXEC)
        stack.callback(os.close, hold)
        theirs.callback(os.close, held)
        info, tell = os.pipe2(os.O_CLOEXEC)
        ready, say = os.pipe2(os.O_CLOEXEC)
        for number in (info, tell, ready, say):
            theirs.callback(os.close, number)
        words = ("/bin/sh", "-c", _HOLDER.format(ready=say, held=held))
        holder = request._replace(
            argv=words,
            descriptors=(tell, say, held),
            enclosing=(*request.enclosing, "--info-fd", str(tell)),
        )
        try:
            self._holder = spawn(holder, output, enclosure)
        finally:
            enclosure.begun()
        stack.callback(self._let_go)
        return info, ready

    def _let_go(self) -> None:
        if self._holder.returncode is None:
            kill_group(self._holder.pid, signal.SIGKILL)
            self._holder.wait()

    @property
    def groups(self) -> set[int]:
        operator = self._number()
        found = set() if operator is None else {operator}
        return found if self._enclosure is None else {*found, self._holder.pid}

    def signal(self, number: int) -> None:
        operator = self._number()
        if operator is not None:
            kill_group(operator, number)
        elif self._enclosure is not None:
            kill_group(self._holder.pid, signal.SIGKILL)

    def reap(self) -> End:
        operator = self._number()
        # As long as the monitor waits for this end it is a zombie, and nobody else can have its number.
        if operator is not None:
            kill_group(operator, signal.SIGKILL)
        said = self._last_words()
        # Now the monitor may collect it: no namespace ends before that.
        with suppress(OSError):
            self._status.shutdown(socket.SHUT_RDWR)
        if self._enclosure is None:
            return _end(said, False) or End(1, False, False, said or "the fork server ended")
        kill_group(self._holder.pid, signal.SIGKILL)
        alone = self._enclosure.emptied()
        held = self._holder.wait()
        return _end(said, alone) or End(*self._enclosure.end(held)[:1], False, alone, said.removeprefix("! ") or None)

    def explain(self, words: Sequence[str]) -> str:
        return explain_bubblewrap(self._request, words)

    def close(self) -> None:
        self._open.close()

    def _number(self) -> int | None:
        """The operator's process; waits until it is known, or that there will be none."""
        if self._operator is None and select.select([self._told], [], [], _PATIENCE)[0]:
            with suppress(ValueError):
                self._operator = int(os.read(self._told, 32))
        return self._operator

    def _last_words(self) -> str:
        try:
            return self._status.recv(4096, socket.MSG_DONTWAIT).decode("utf-8", "replace").strip()
        except OSError:
            return ""


def _end(said: str, alone: bool) -> End | None:
    """What the monitor told of the operator's end; None when it told nothing."""
    with suppress(ValueError):
        return End(int(said), True, alone)
    return None


def _asked(request: OperatorRequest) -> dict[str, object]:
    """The request as `warm_path/forking.py` reads it."""
    limits = {number: list(resource.getrlimit(number)) for number in _LIMITS}
    if (most := process_limit()) is not None:
        limits[resource.RLIMIT_NPROC] = [most, most]
    return {
        "argv": request.argv,
        "cwd": str(request.cwd),
        "environment": request.environment,
        "numbers": request.descriptors,
        "limits": list(limits.items()),
        "enclosed": bool(request.enclosing),
    }
