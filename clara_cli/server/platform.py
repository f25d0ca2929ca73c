"""What all services share: the root, the settings, and who does the work that blocks."""

from __future__ import annotations

from dataclasses import dataclass

from clara_cli.config import Config
from clara_cli.jobs.runners import Runners
from clara_cli.root import Root
from clara_cli.server.workers import Workers


@dataclass(frozen=True)
class Platform:
    """One running server.

    Attributes:
        config_file: `--config` of the server, for the runners that it starts.
        quick: threads for what takes moments.
        runners: hands jobs to processes of their own.
        slow: threads for what may take long: creating, starting and ending jobs, reading definitions.
    """

    root: Root
    config: Config
    config_file: str | None
    quick: Workers
    slow: Workers
    runners: Runners
