"""Every test owns its world: a root and a home of its own, and nothing left behind."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import support
from hypothesis import settings
from support import Clara

from clara_cli.runtime.mounts import find_mounts

# Whoever runs the tests may ignore signals (nohup, a job in the background); the commands under test must not.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no fault of the code.
settings.register_profile("clara", deadline=None)
settings.load_profile("clara")


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point everything that clara writes into the test's own folder, and forget the caller's settings."""
    for name in list(os.environ):
        if name.startswith(("CLARA_", "NVIDIA_CLARA_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CLARA_ROOT", str(tmp_path / "root"))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def clara() -> Clara:
    return Clara()


@pytest.fixture
def shell(world: Path) -> Callable[..., object]:
    """`support.shell`, in the test's own folder unless another is given."""
    return partial(support.shell, cwd=world)


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
