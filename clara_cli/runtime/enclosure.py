"""A process inside bubblewrap: which process it is, how signals reach it, and what its end means.

Bubblewrap stays outside as the process that the runner started; inside, its second process is the first of the
namespace (nothing but SIGKILL reaches it, and all others end with it), and that one's child is the operator.
Source: bubblewrap's manual, `--json-status-fd`; pid_namespaces(7).
"""

from __future__ import annotations

import json
import os
import select
import signal
from contextlib import suppress
from pathlib import Path

# Seconds that bubblewrap may take to say which process is the first of the namespace.
_PATIENCE = 5.0


class Enclosure:
    """What bubblewrap tells through a pipe; `writer` is the end that it is given."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        self._told = b""

    def begun(self) -> None:
        """Bubblewrap has its end of the pipe."""
        os.close(self.writer)

    def close(self) -> None:
        os.close(self._reader)

    def signal(self, number: int) -> bool:
        """Send a signal to the operator's process group inside; False when it cannot be found.

        To be called only as long as bubblewrap has not been waited for.
        """
        first = self._first()
        if first is None:
            return False
        with suppress(ProcessLookupError, PermissionError):
            group = self.group()
            if group is None or number == signal.SIGKILL:
                # Before the operator has begun there is nothing to ask.
                os.kill(first, signal.SIGKILL)
            else:
                os.killpg(group, number)
        return True

    def group(self) -> int | None:
        """The process group of the operator, seen from outside; None before it has begun."""
        first = self._first()
        try:
            children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
            return os.getpgid(int(children[0]))
        except (OSError, IndexError):
            return None

    def emptied(self) -> bool:
        """Wait until nothing lives any more of a namespace whose bubblewrap has ended; False when that is not certain.

        To be called before bubblewrap is waited for.
        """
        self._read()
        first = self._value("child-pid")
        if first is None:
            return False
        try:
            handle = os.pidfd_open(first)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        try:
            # Its first process is killed with bubblewrap, and ends when all others have.
            poller = select.poll()
            poller.register(handle, select.POLLIN)
            return bool(poller.poll(_PATIENCE * 1000))
        finally:
            os.close(handle)

    def end(self, code: int) -> tuple[int, bool]:
        """The operator's exit code, negative for a signal, and whether it ever began.

        Bubblewrap, like a shell, ends with 128 and the number of the signal that killed its command.

        Args:
            code: how bubblewrap itself ended.
        """
        self._read()
        told = self._value("exit-code")
        if told is None:
            return code, code < 0
        return (128 - told if _kills(told - 128) else told), True

    def _first(self) -> int | None:
        """The first process of the namespace."""
        if self._value("child-pid") is None:
            poller = select.poll()
            poller.register(self._reader, select.POLLIN)
            poller.poll(_PATIENCE * 1000)
            self._read()
        return self._value("child-pid")

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while chunk := os.read(self._reader, 4096):
                self._told += chunk

    def _value(self, key: str) -> int | None:
        for line in self._told.splitlines():
            with suppress(ValueError):
                if isinstance(number := json.loads(line).get(key), int):
                    return number
        return None


def _kills(number: int) -> bool:
    """Whether a signal of that number ends a process that does not handle it."""
    harmless = {signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
    return 0 < number <= signal.SIGRTMAX and number not in harmless | {signal.SIGURG, signal.SIGWINCH}
