"""Everything in this folder starts real processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support import Project

from clara_cli.database import Database
from clara_cli.errors import ClaraError
from clara_cli.jobs import listing, lock
from clara_cli.jobs.recovery import recover
from clara_cli.root import Root


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


@pytest.fixture(autouse=True)
def no_job_outlives_its_test(world: Path) -> Iterator[None]:
    """A test that fails in the middle leaves detached jobs, some of which would run for ever."""
    yield
    root = Root(Path(os.environ.get("CLARA_ROOT") or world / "root"))
    if not root.database.exists():
        return
    with suppress(ClaraError), Database(root) as database:
        with database.read() as connection:
            jobs = listing.live_jobs(connection)
        for job in jobs:
            runner = lock.signer(root.jobs / job) if lock.is_held(root.jobs / job) else None
            if runner not in (None, os.getpid()):
                with suppress(ProcessLookupError):
                    os.kill(runner, signal.SIGKILL)
                lock.wait_for_release(root.jobs / job, 5.0)
        recover(database)
