"""What the runner's loop waits for: descriptors and processes, each with what is to be done when something happens."""

from __future__ import annotations

import selectors
from collections.abc import Callable

from clara_cli.runtime.process import OperatorProcess


class Watch:
    """A selector whose entries are callbacks; `turn` calls those whose time has come.

    Args:
        remark: told what is to be known of the log of a process that has ended.
    """

    def __init__(self, remark: Callable[[str], None]) -> None:
        self._remark = remark
        self._selector = selectors.DefaultSelector()

    def descriptor(self, number: int, callback: Callable[[], None]) -> None:
        """Call back whenever something can be read."""
        self._selector.register(number, selectors.EVENT_READ, callback)

    def process(self, process: OperatorProcess, ended: Callable[[], None]) -> None:
        """Keep a process's log flowing, and call back once when it has ended."""

        def end() -> None:
            if not process.ended():
                return
            for number in (process.handle, process.output):
                if number in self._selector.get_map():
                    self._selector.unregister(number)
            ended()
            for text in process.log.remarks():
                self._remark(text)

        def drain() -> None:
            if not process.drain():
                self._selector.unregister(process.output)

        self.descriptor(process.handle, end)
        self.descriptor(process.output, drain)

    def forget(self, number: int) -> None:
        """Look at a descriptor no more; to be called before it is closed."""
        self._selector.unregister(number)

    def turn(self, patience: float | None) -> None:
        """Handle what has happened, or wait until something does, at most so many seconds."""
        for key, _ in self._selector.select(patience):
            # An earlier event of this turn may have closed what this one is about.
            if self._selector.get_map().get(key.fd) is key:
                key.data()

    def close(self) -> None:
        self._selector.close()
