"""Where the installed command `clara` begins."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the installed command `clara`."""
    if len(sys.argv) > 1:
        from clara_cli.runtime.fork_server import begin_early

        begin_early(sys.argv[1:])
    from clara_cli.cli import main

    main()
