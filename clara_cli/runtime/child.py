"""The process behind an operator, started anew; in a view of files of its own it is inside bubblewrap."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from clara_cli.errors import RuntimeFailure
from clara_cli.runtime.enclosure import Enclosure
from clara_cli.runtime.operator_log import LIMIT
from clara_cli.runtime.process_limit import fix, limited, process_limit


class OperatorRequest(NamedTuple):
    """What to start.

    Attributes:
        cwd: working folder, as the process sees it.
        environment: the whole of it.
        descriptors: what the process inherits.
        log: file for its stdout and stderr.
        log_limit: bytes that are kept of it.
        enclosing: bubblewrap, where the process has a view of files of its own; else empty.
        view: its arguments.
    """

    argv: tuple[str, ...]
    cwd: Path
    environment: dict[str, str]
    descriptors: tuple[int, ...]
    log: Path
    log_limit: int = LIMIT
    enclosing: tuple[str, ...] = ()
    view: tuple[str, ...] = ()


class End(NamedTuple):
    """How a process ended.

    Attributes:
        code: exit code, negative for a signal.
        began: whether its program ever ran.
        alone: it is certain that nothing it started lives.
        why: the reason why it did not begin, where that is known.
        unheard: whoever was to begin it was gone; it can be started in another way.
    """

    code: int
    began: bool = True
    alone: bool = False
    why: str | None = None
    unheard: bool = False


class Child(Protocol):
    """A started process; `handle` is readable when it has ended, and may be before."""

    handle: int

    @property
    def pid(self) -> int | None:
        """The process that all of its others come from; None as long as it is not known."""
        ...

    @property
    def groups(self) -> set[int]:
        """Its process groups."""
        ...

    def ended(self) -> bool:
        """Once the handle is readable: whether it has ended."""
        ...

    def signal(self, number: int) -> None:
        """Send a signal to its process group."""
        ...

    def reap(self) -> End:
        """Once it has ended: kill what is left of its group, and collect it."""
        ...

    def explain(self, words: Sequence[str]) -> str:
        """Why its program never ran, from the last lines of its log."""
        ...

    def close(self) -> None:
        """Close what belongs to it."""
        ...


class Spawned:
    """A program that was executed; the process leads a session and process group of its own."""

    def __init__(self, request: OperatorRequest, output: int) -> None:
        """Start it.

        Raises:
            RuntimeFailure: the program cannot be executed; the message says why.
        """
        with ExitStack() as stack:
            self._request = request
            self._enclosure = Enclosure() if request.enclosing else None
            if self._enclosure is not None:
                stack.callback(self._enclosure.close)
            try:
                self._process = spawn(request, output, self._enclosure)
            finally:
                if self._enclosure is not None:
                    self._enclosure.begun()
            try:
                self.handle = os.pidfd_open(self._process.pid)
            except OSError:
                self.signal(signal.SIGKILL)
                self._process.wait()
                raise
            stack.callback(os.close, self.handle)
            self._open = stack.pop_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def groups(self) -> set[int]:
        inside = self._enclosure.group() if self._enclosure is not None else None
        return {self._process.pid} if inside is None else {self._process.pid, inside}

    def ended(self) -> bool:
        return True

    def signal(self, number: int) -> None:
        if self._enclosure is None or not self._enclosure.signal(number):
            kill_group(self._process.pid, number)

    def reap(self) -> End:
        # Before waiting: as long as it is a zombie nobody else can have its number.
        kill_group(self._process.pid, signal.SIGKILL)
        alone = self._enclosure is not None and self._enclosure.emptied()
        code, began = self._process.wait(), True
        if self._enclosure is not None:
            code, began = self._enclosure.end(code)
        return End(code, began, alone)

    def explain(self, words: Sequence[str]) -> str:
        return explain_bubblewrap(self._request, words)

    def close(self) -> None:
        self._open.close()


def kill_group(group: int, number: int) -> None:
    """Send a signal to a process group, if it is still there."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def spawn(request: OperatorRequest, output: int, enclosure: Enclosure | None) -> subprocess.Popen[bytes]:
    argv, cwd, descriptors = request.argv, str(request.cwd), request.descriptors
    limit = process_limit()
    try:
        with ExitStack() as stack:
            if enclosure is not None:
                _check_program(request)
                # Through a file without a name: they are many, and would fill the lists of processes.
                given = stack.enter_context(os.fdopen(os.memfd_create("view"), "w+b"))
                given.write(b"".join(os.fsencode(word) + b"\0" for word in request.view))
                given.seek(0)
                told = ("--args", str(given.fileno()), "--json-status-fd", str(enclosure.writer))
                argv, cwd = (*request.enclosing, *told, "--", *argv), "/"
                descriptors = (*descriptors, given.fileno(), enclosure.writer)
            stack.enter_context(limited(limit))
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=request.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=descriptors,
                start_new_session=True,
            )
        fix(process.pid, limit)
        return process
    except (OSError, ValueError) as error:
        raise RuntimeFailure(_cannot_start(request, error)) from error


def _check_program(request: OperatorRequest) -> None:
    """Say at once what bubblewrap would say late: there is no such program. A path may be one of the view only."""
    program = request.argv[0]
    if "/" in program:
        return
    for folder in request.environment.get("PATH", os.defpath).split(os.pathsep):
        if os.access(f"{folder or '.'}/{program}", os.X_OK):
            return
    raise FileNotFoundError(program)


def explain_bubblewrap(request: OperatorRequest, words: Sequence[str]) -> str:
    """Why bubblewrap did not come as far as the program: its last words."""
    said = next((line for line in reversed(words) if line.startswith("bwrap: ")), "")
    for number in (errno.ENOENT, errno.EACCES, errno.ENOEXEC):
        if said.startswith("bwrap: execvp ") and said.endswith(os.strerror(number)):
            return _cannot_start(request, OSError(number, ""))
    return f"bubblewrap cannot give it its mounts: {said.removeprefix('bwrap: ') or 'it says nothing'}"


def _cannot_start(request: OperatorRequest, error: Exception) -> str:
    program: Sequence[str] | str = request.argv[0] if request.argv else "(nothing)"
    if isinstance(error, FileNotFoundError):
        return f'there is no program "{program}" on this machine'
    if isinstance(error, PermissionError):
        return f'"{program}" cannot be executed: permission denied (is it marked as executable?)'
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return f'"{program}" cannot be executed: it is neither a binary nor a script with a #! line'
    return f'cannot start "{program}": {error}'
