"""The platform server as a process: started in the background, found again, ended."""

from __future__ import annotations

from pathlib import Path

from clara_cli.background import Background
from clara_cli.background import Running as RunningServer
from clara_cli.root import Root
from clara_cli.server.options import Options

Running = RunningServer[Options]


def _place(root: Root) -> Path:
    return root.platform


SERVER = Background("platform server", "platform", "clara_cli.server", _place, Options.from_json)
log_file, find_running, registered, start, stop = (
    SERVER.log_file,
    SERVER.find_running,
    SERVER.registered,
    SERVER.start,
    SERVER.stop,
)
