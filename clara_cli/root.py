"""The one folder that holds everything: payloads, records of jobs, the database.

payloads/<payload id>/          what users look at: input/ and operators/
jobs/<job id>/                  logs/, work folders of operators, the runner's lock
repository/models/<id>/<name>/  models that were registered
common/models/<name>/           models that services and operators of all jobs share
environments/<hash>/            Python environments of operators that need one of their own
platform/                       the platform server: its lock, its log
console/                        the console: its lock, its log, its secret
clara.db                        pipelines, jobs, operators, registered images
.mounts, .no-python             what is remembered to start jobs faster; may be deleted
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from clara_cli.config import Config
from clara_cli.errors import StoreError

DOCUMENTED_ROOT = Path("/clara")


class Root(NamedTuple):
    """The chosen root folder and the places in it."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "clara.db"

    @property
    def payloads(self) -> Path:
        return self.path / "payloads"

    @property
    def jobs(self) -> Path:
        return self.path / "jobs"

    @property
    def common(self) -> Path:
        return self.path / "common"

    @property
    def repository(self) -> Path:
        return self.path / "repository" / "models"

    @property
    def environments(self) -> Path:
        return self.path / "environments"

    @property
    def platform(self) -> Path:
        return self.path / "platform"

    @property
    def console(self) -> Path:
        return self.path / "console"

    @property
    def documented(self) -> bool:
        """Whether payloads are where Clara Deploy's documents say, under `/clara/payloads`."""
        return self.path == DOCUMENTED_ROOT


def choose_root(config: Config) -> Root:
    """The root in force: as configured, else one in use, else `/clara`, else the user's data folder.

    Raises:
        StoreError: the chosen folder cannot be made or written.
    """
    return Root(_usable(locate_root(config)))


def locate_root(config: Config) -> Path:
    """Where the root in force is, or would be made."""
    return config.root or _found()


def _found() -> Path:
    """The first default root that fits; `_usable` checks it afterwards."""
    import platformdirs

    own = Path(platformdirs.user_data_dir("clara", appauthor=False))
    for candidate in (own, DOCUMENTED_ROOT):
        if _holds_own_jobs(candidate):
            return candidate
    if os.access(DOCUMENTED_ROOT, os.W_OK | os.X_OK):
        return DOCUMENTED_ROOT
    if not DOCUMENTED_ROOT.exists() and os.access(DOCUMENTED_ROOT.parent, os.W_OK):
        return DOCUMENTED_ROOT
    return own


def _holds_own_jobs(path: Path) -> bool:
    try:
        return (path / "clara.db").stat().st_uid == os.geteuid()
    except OSError:
        return False


def _usable(path: Path) -> Path:
    hint = "set CLARA_ROOT, or `root` in ~/.clara/config.yaml, to a folder that you can write"
    try:
        (path / "payloads").mkdir(parents=True, exist_ok=True)
        (path / "jobs").mkdir(exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot use the root {path}: {error.strerror}", hint) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise StoreError(f"the root {path} is not writable", hint)
    return path
