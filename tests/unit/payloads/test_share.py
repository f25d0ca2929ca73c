"""Sharing the files of a payload: nothing of the original changes, whatever is done with the other."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from clara_cli.errors import PayloadError
from clara_cli.payloads.share import Sharing


@pytest.fixture
def source(tmp_path: Path) -> Path:
    top = tmp_path / "old"
    (top / "input" / "deep" / "empty").mkdir(parents=True)
    (top / "input" / "a b\n.txt").write_text("one")
    (top / "input" / "deep" / "tool").write_text("#!/bin/sh\n")
    (top / "input" / "deep" / "tool").chmod(0o755)
    (top / "input" / "near").symlink_to("deep/tool")
    (top / "input" / "far").symlink_to(top / "input" / "deep")
    (top / "input" / "out").symlink_to("/etc/hostname")
    os.utime(top / "input" / "deep", (1000, 1000))
    os.utime(top / "input" / "a b\n.txt", (2000, 2000))
    return top


def share(source: Path, tmp_path: Path) -> tuple[Sharing, Path]:
    target = tmp_path / "aside"
    target.mkdir()
    sharing = Sharing(source, target, tmp_path / "new")
    sharing.folder("input")
    sharing.folder("operators", "none")
    target.rename(tmp_path / "new")
    return sharing, tmp_path / "new"


def test_a_tree_is_shared_as_it_is(source: Path, tmp_path: Path) -> None:
    sharing, new = share(source, tmp_path)
    assert (new / "input" / "a b\n.txt").read_text() == "one"
    assert (new / "input" / "a b\n.txt").stat().st_mtime == 2000
    assert (new / "input" / "deep").stat().st_mtime == 1000
    assert (new / "input" / "deep" / "empty").is_dir()
    assert os.access(new / "input" / "deep" / "tool", os.X_OK)
    assert (new / "input" / "near").readlink() == Path("deep/tool")
    assert (new / "input" / "far").readlink() == new / "input" / "deep"
    assert (new / "input" / "out").readlink() == Path("/etc/hostname")
    assert sum(sharing.shared.ways.values()) == 2
    assert not (new / "operators").exists()


def test_what_is_no_file_is_left_out(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(source / "input" / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(source)  # the name of a socket must be short
        listener.bind("input/socket")
    sharing, new = share(source, tmp_path)
    assert sorted(path.name for path in sharing.shared.left_out) == ["fifo", "socket"]
    assert not (new / "input" / "fifo").exists()


def test_a_folder_that_cannot_be_written_is_an_error(source: Path, tmp_path: Path) -> None:
    (tmp_path / "aside").write_text("a file")
    with pytest.raises(PayloadError, match="cannot share"):
        Sharing(source, tmp_path / "aside", tmp_path / "new").folder("input")


PROGRAM = """
import os, sys
from pathlib import Path
sys.path[:0] = {path!r}
from clara_cli.payloads.share import Sharing
if os.getuid() == 0:
    os.setgroups([]); os.setgid(54321); os.setuid(54321)
old, new = Path("{top}/old"), Path("{top}/new")
(old / "input").mkdir(parents=True)
(old / "input" / "x").write_text("one")
new.mkdir()
sharing = Sharing(old, new, new)
sharing.folder("input")
print(sharing.shared)
shared = new / "input" / "x"
if "link" in str(sharing.shared):
    assert shared.stat().st_ino == (old / "input" / "x").stat().st_ino
    assert shared.stat().st_mode & 0o222 == 0
    try:
        shared.open("a")
        raise SystemExit("it could be written")
    except PermissionError:
        pass
shared.unlink()
shared.write_text("two")
assert (old / "input" / "x").read_text() == "one"
"""


def test_an_ordinary_user_gets_reflinks_or_links_that_cannot_be_written() -> None:
    # pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        program = PROGRAM.format(path=sys.path, top=folder)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("1 reflink", "1 hard link")


def test_root_gets_no_links_for_write_bits_do_not_bind_it(source: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("for root")
    sharing, new = share(source, tmp_path)
    assert "hard link" not in sharing.shared.ways
    (new / "input" / "a b\n.txt").write_text("two")
    assert (source / "input" / "a b\n.txt").read_text() == "one"
    assert (source / "input" / "a b\n.txt").stat().st_mode & 0o200
