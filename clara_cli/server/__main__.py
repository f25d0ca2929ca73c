"""The process of the server: `python -m clara_cli.server OPTIONS CONFIG_FILE [DESCRIPTOR]`.

Started by `clara_cli.server.process.start`, which waits at the other end of the descriptor.
"""

from __future__ import annotations

import os
import signal
import sys

from clara_cli.errors import ClaraError


def main() -> int:
    """Serve in the background; why it cannot is told to whoever started it."""
    from clara_cli.server import process
    from clara_cli.server.options import Options

    options, config_file, descriptor = sys.argv[1:]
    answer = int(descriptor)
    os.set_inheritable(answer, False)
    os.chdir("/")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        from clara_cli.server.foreground import run

        run(Options.from_json(options), config_file or None, lambda _: process.report(answer))
    except ClaraError as error:
        process.report(answer, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
