"""Everything in this folder starts real processes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Project

from clara_cli.runtime.mounts import find_mounts


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


@pytest.fixture
def meeting() -> Iterator[Path]:
    """A folder that operators share with the test: with mounts, /tmp is their own."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="clara-test-") as folder:
        yield Path(folder)


@pytest.fixture
def no_mounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that are not about mounts, and whose operators share temporary folders with them."""
    monkeypatch.setenv("CLARA_MOUNTS", "off")


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operators have mounts, or the test is skipped where these do not work."""
    reason = find_mounts().reason
    if reason:
        pytest.skip(f"no mounts on this machine: {reason}")
    monkeypatch.setenv("CLARA_MOUNTS", "require")


@pytest.fixture(params=["mounts", "no_mounts"])
def way(request: pytest.FixtureRequest) -> str:
    """Both ways of running operators."""
    request.getfixturevalue(request.param)
    return str(request.param)
