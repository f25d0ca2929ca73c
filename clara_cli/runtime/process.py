"""One operator's process: started in a session of its own, its output drained into one log."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from clara_cli.errors import RuntimeFailure
from clara_cli.runtime.enclosure import Enclosure
from clara_cli.runtime.operator_log import LIMIT, OperatorLog
from clara_cli.runtime.process_limit import fix, limited, process_limit
from clara_cli.runtime.usage import Meter, Usage

_CHUNK = 1 << 16
_FULL_PIPE = 1 << 20
# Characters of a log line that are quoted in a message.
_WIDEST = 400


@dataclass(frozen=True)
class OperatorRequest:
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


class OperatorProcess:
    """A running operator.

    Attributes:
        pid: of the process, which leads a session and process group of its own.
        handle: a pidfd, readable when the process has ended.
        output: read end of the pipe that is both stdout and stderr of the operator, so lines keep their order.
        log: where it goes.
        unstarted: after its end: why its program never ran; None when it did.
        meter: sees what it takes.
    """

    unstarted: str | None = None

    def __init__(self, request: OperatorRequest) -> None:
        """Start it.

        Raises:
            RuntimeFailure: the program cannot be executed; the message says why.
        """
        with ExitStack() as stack:

            def own(descriptor: int) -> int:
                stack.callback(os.close, descriptor)
                return descriptor

            self._request = request
            self._enclosure = Enclosure() if request.enclosing else None
            if self._enclosure is not None:
                stack.callback(self._enclosure.close)
            self.log = OperatorLog(request.log, request.log_limit)
            stack.callback(self.log.close)
            self.output, writer = os.pipe2(os.O_CLOEXEC)
            own(self.output)
            os.set_blocking(self.output, False)
            try:
                self._process = _spawn(request, writer, self._enclosure)
            finally:
                os.close(writer)
                if self._enclosure is not None:
                    self._enclosure.begun()
            self.pid = self._process.pid
            self.meter = Meter(self.pid)
            try:
                self.handle = own(os.pidfd_open(self.pid))
            except OSError:
                self.signal(signal.SIGKILL)
                self._process.wait()
                raise
            self._descriptors = stack.pop_all()

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
    def groups(self) -> set[int]:
        """Its process groups: where it is enclosed, bubblewrap's own and the one inside."""
        inside = self._enclosure.group() if self._enclosure is not None else None
        return {self.pid} if inside is None else {self.pid, inside}

    def signal(self, number: int) -> None:
        """Send a signal to the operator's whole process group."""
        if self._enclosure is None or not self._enclosure.signal(number):
            self._signal_group(number)

    def _signal_group(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def reap(self) -> int:
        """Collect the ended process: kill what is left of its group, empty the pipe, close everything.

        Returns:
            the exit code, negative for a signal.
        """
        # Before waiting: as long as it is a zombie nobody else can have its number.
        self._signal_group(signal.SIGKILL)
        code = self._process.wait()
        began = True
        with self._descriptors:
            if self._enclosure is not None:
                code, began = self._enclosure.end(code)
            # What it left behind outside its group may go on writing: no more than a full pipe is waited for.
            for _ in range(_FULL_PIPE // _CHUNK):
                if not self.drain():
                    break
        if not began:
            self.unstarted = _unstarted(self._request)
        return code

    @property
    def usage(self) -> Usage | None:
        """What it took; None of one that ended too soon to be seen."""
        return self.meter.usage


def _spawn(request: OperatorRequest, output: int, enclosure: Enclosure | None) -> subprocess.Popen[bytes]:
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


def _unstarted(request: OperatorRequest) -> str:
    """Why bubblewrap did not come as far as the program: its last words."""
    said = next((line for line in reversed(log_tail(request.log)) if line.startswith("bwrap: ")), "")
    for number in (errno.ENOENT, errno.EACCES, errno.ENOEXEC):
        if said.startswith("bwrap: execvp ") and said.endswith(os.strerror(number)):
            return _cannot_start(request, OSError(number, ""))
    return f"bubblewrap cannot give it its mounts: {said.removeprefix('bwrap: ') or 'it says nothing'}"


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


def _cannot_start(request: OperatorRequest, error: Exception) -> str:
    program: Sequence[str] | str = request.argv[0] if request.argv else "(nothing)"
    if isinstance(error, FileNotFoundError):
        return f'there is no program "{program}" on this machine'
    if isinstance(error, PermissionError):
        return f'"{program}" cannot be executed: permission denied (is it marked as executable?)'
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return f'"{program}" cannot be executed: it is neither a binary nor a script with a #! line'
    return f'cannot start "{program}": {error}'
