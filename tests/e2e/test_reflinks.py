"""Upload and download where the file system can share blocks: neither time nor space is taken.

Needs root, mkfs of btrfs or xfs, and a kernel that mounts them from a file; skipped by name where one is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Clara

MIB = 1 << 20
SIZE = 96 * MIB
MAKERS = {"btrfs": ["mkfs.btrfs", "-q"], "xfs": ["mkfs.xfs", "-q", "-m", "reflink=1"]}


@pytest.fixture(params=MAKERS)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own."""
    kind = str(request.param)
    maker, *flags = MAKERS[kind]
    program = shutil.which(maker, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip(f"{maker} is not installed")
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(512 * MIB)
    subprocess.run([program, *flags, image], check=True, capture_output=True)
    done = subprocess.run(["mount", "-o", "loop", image, place], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{kind} cannot be mounted from a file here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def used(disk: Path) -> int:
    os.sync()
    system = os.statvfs(disk)
    return (system.f_blocks - system.f_bfree) * system.f_frsize


def test_nothing_is_copied(disk: Path, clara: Clara, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARA_ROOT", str(disk / "root"))
    data = disk / "data"
    data.mkdir()
    (data / "volume").write_bytes(os.urandom(SIZE))
    (data / "small").write_bytes(b"small")
    clara("list", "payloads")  # makes the root
    before = used(disk)
    payload = clara("create", "payload", "-f", str(data)).lines[0].split()[1]
    clara("download", f"{payload}:/*", str(disk / "out"))
    assert used(disk) - before < SIZE // 4
    for name in ("volume", "small"):
        assert (disk / "out" / name).read_bytes() == (data / name).read_bytes()
    # The copies are files of their own.
    with (data / "volume").open("r+b") as file:
        file.write(b"changed")
    assert (disk / "out" / "volume").read_bytes()[:7] != b"changed"


def test_from_another_disk_it_is_copied(disk: Path, clara: Clara, tmp_path: Path) -> None:
    (tmp_path / "volume").write_bytes(os.urandom(MIB))
    payload = clara("create", "payload", "-f", str(tmp_path / "volume")).lines[0].split()[1]
    clara("download", f"{payload}:/volume", str(disk / "volume"))
    assert (disk / "volume").read_bytes() == (tmp_path / "volume").read_bytes()
