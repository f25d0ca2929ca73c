"""An operator that the fork server forked: the same to the runner as one that was started anew.

With mounts bubblewrap puts its view together around a shell that waits, and the fork enters it. The operator is forked
by a process in between, which ends as soon as this process is ready to become the operator's parent.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress

from clara_cli.errors import RuntimeFailure
from clara_cli.runtime.adoption import adopt
from clara_cli.runtime.child import End, OperatorRequest, explain_bubblewrap, kill_group, spawn
from clara_cli.runtime.enclosure import Enclosure
from clara_cli.runtime.fork_server import ForkServer
from clara_cli.runtime.process_limit import process_limit

# Says that it runs, and stays until the runner lets it go.
_HOLDER = "echo >/proc/self/fd/{ready}; read -r _ </proc/self/fd/{held}"
# Seconds to wait for an operator to become one, at a time.
_PATIENCE = 2.0
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
        self._asked = False
        self._why: str | None = None
        self._enclosure: Enclosure | None = None
        with ExitStack() as stack, ExitStack() as theirs:
            self._told, told = os.pipe2(os.O_CLOEXEC)
            stack.callback(os.close, self._told)
            theirs.callback(os.close, told)
            go, self._go = os.pipe2(os.O_CLOEXEC)
            theirs.callback(os.close, go)
            stack.callback(os.close, self._go)
            # Readable when it is known who the operator is, and again when the operator has ended.
            self._events = stack.enter_context(closing(select.epoll()))
            self._events.register(self._told, select.EPOLLIN)
            self.handle = self._events.fileno()
            view = self._hold(request, output, stack, theirs) if request.enclosing else ()
            document = theirs.enter_context(os.fdopen(os.memfd_create("operator"), "w+b"))
            document.write(json.dumps(_asked(request)).encode("utf-8", "surrogateescape"))
            document.flush()
            sent = (output, told, go, *view, *request.descriptors)
            if not server.fork(document.fileno(), sent):
                raise RuntimeFailure("the fork server is gone")
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
            enclosing=(*request.enclosing, "--info-fd", str(tell), "--clearenv"),
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
    def pid(self) -> int | None:
        return self._operator

    @property
    def groups(self) -> set[int]:
        operator = self._number()
        found = set() if operator is None else {operator}
        return found if self._enclosure is None else {*found, self._holder.pid}

    def ended(self) -> bool:
        if self._operator is not None:
            return True
        # What can be read is who it is.
        return self._number() is None

    def signal(self, number: int) -> None:
        operator = self._number()
        if operator is not None:
            kill_group(operator, number)
        elif self._enclosure is not None:
            kill_group(self._holder.pid, signal.SIGKILL)

    def reap(self) -> End:
        operator, code, alone = self._number(), None, False
        if operator is not None:
            # Before waiting: as long as it is a zombie nobody else can have its number.
            kill_group(operator, signal.SIGKILL)
            with suppress(ChildProcessError):
                code = os.waitstatus_to_exitcode(os.waitpid(operator, 0)[1])
        if self._enclosure is not None:
            kill_group(self._holder.pid, signal.SIGKILL)
            alone = self._enclosure.emptied()
            self._holder.wait()
        if code is None:
            return End(1, False, alone, self._why, unheard=self._why is None)
        return End(code, True, alone)

    def explain(self, words: Sequence[str]) -> str:
        said = explain_bubblewrap(self._request, words) if self._enclosure is not None else ""
        return said or "the fork server has ended"

    def close(self) -> None:
        self._open.close()

    def _number(self) -> int | None:
        """The operator's process; waits until it is known, or that there will be none, but not for ever."""
        if self._operator is None and not self._asked:
            if not select.select([self._told], [], [], _PATIENCE)[0]:
                return None  # asked again by the next call
            self._asked = True
            said = os.read(self._told, 4096).decode("utf-8", "replace")
            self._events.unregister(self._told)
            if said[:1].isdigit():
                between, self._operator = map(int, said.split())
                adopt(between, self._go)
                handle = os.pidfd_open(self._operator)
                self._open.callback(os.close, handle)
                self._events.register(handle, select.EPOLLIN)
            else:
                self._why = said.removeprefix("! ") or None
        return self._operator


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
