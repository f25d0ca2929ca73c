"""What is remembered of bubblewrap between starts."""

import json
from pathlib import Path

import pytest

from clara_cli.runtime import mounts_memory
from clara_cli.runtime.mounts import find_mounts
from clara_cli.runtime.mounts_memory import Memory, forget


@pytest.fixture
def bwrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bubblewrap of which can be seen how often it was tried."""
    program = tmp_path / "bin" / "bwrap"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho once >>{tmp_path}/tried\necho '{{\"exit-code\": 0}}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


def tried(tmp_path: Path) -> int:
    return len((tmp_path / "tried").read_text().splitlines()) if (tmp_path / "tried").exists() else 0


def test_it_is_tried_once(tmp_path: Path, bwrap: Path) -> None:
    assert find_mounts("auto", tmp_path).command == (str(bwrap),)
    assert find_mounts("auto", tmp_path).command == (str(bwrap),)
    assert tried(tmp_path) == 1
    assert find_mounts("auto").command == (str(bwrap),)
    assert tried(tmp_path) == 2


def test_another_program_or_another_boot_is_tried_again(
    tmp_path: Path, bwrap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_mounts("auto", tmp_path)
    bwrap.write_text(bwrap.read_text() + "# newer\n")
    find_mounts("auto", tmp_path)
    assert tried(tmp_path) == 2
    boot = tmp_path / "boot_id"
    boot.write_text("another\n")
    monkeypatch.setattr(mounts_memory, "_SETTINGS", (str(boot),))
    find_mounts("auto", tmp_path)
    assert tried(tmp_path) == 3


def test_a_failure_is_not_remembered(tmp_path: Path, bwrap: Path) -> None:
    bwrap.write_text(f"#!/bin/sh\necho once >>{tmp_path}/tried\nexit 1\n")
    assert not find_mounts("auto", tmp_path).command
    count = tried(tmp_path)
    assert not find_mounts("auto", tmp_path).command
    assert tried(tmp_path) == 2 * count


def test_what_was_remembered_can_be_forgotten_and_damaged(tmp_path: Path, bwrap: Path) -> None:
    memory = Memory(tmp_path, str(bwrap))
    memory.keep((str(bwrap), "--unshare-user"))
    assert memory.recall() == (str(bwrap), "--unshare-user")
    for damage in ("", "[]", "{}", json.dumps({"circumstances": 1, "command": 2})):
        (tmp_path / ".mounts").write_text(damage)
        assert memory.recall() == ()
    forget(tmp_path)
    forget(tmp_path)
    assert not (tmp_path / ".mounts").exists()
