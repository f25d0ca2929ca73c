"""How a process of `clara` begins and ends, where an interpreter's own ways take longer than many a command."""

from __future__ import annotations

import atexit
import gc
import os
import sys

# Objects made before garbage is looked for (Python: 700). Most commands end before that; a long one has some more of
# it at a time, a few megabytes.
_PATIENCE = 50_000
# Whether this process does nothing but run one command, and ends with it.
alone = False


def main() -> None:
    """Entry point of the installed command `clara`."""
    gc.set_threshold(_PATIENCE)
    if not {"start", "run"}.isdisjoint(sys.argv[1:]):
        # It loads while this process does.
        from clara_cli.runtime.early_start import begin_early

        begin_early(sys.argv[1:])
    from clara_cli.cli import main

    main()


def leave(status: object) -> None:
    """End this process without taking everything in it apart first: the system does that at once.

    What was registered for the end is called, and streams are flushed, as Python does. Returns where Python has to end
    in its own way: threads still run, a profiler or debugger watches, or the status is a message.
    """
    import threading
    from contextlib import suppress

    if not isinstance(status, int | None) or threading.active_count() > 1 or sys.getprofile() or sys.gettrace():
        return
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, full, or none
            stream.flush()
    os._exit((status or 0) & 0xFF)
