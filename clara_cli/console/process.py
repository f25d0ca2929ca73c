"""The console as a process: started in the background, found again, ended."""

from __future__ import annotations

from pathlib import Path

from clara_cli.background import Background, Running
from clara_cli.console.options import Options
from clara_cli.root import Root

RunningConsole = Running[Options]


def _place(root: Root) -> Path:
    return root.console


CONSOLE = Background("console", "console", "clara_cli.console", _place, Options.from_json)
