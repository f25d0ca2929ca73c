"""Downloads that are interrupted go on; holes stay holes; torn files are told."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import clara_cli.filecopy as copy_module
from clara_cli import filecopy_ways
from clara_cli.errors import PayloadError
from clara_cli.filecopy import NotRegular, SourceChanged, copy_file, open_regular
from clara_cli.payloads.download import download, select
from clara_cli.payloads.pattern import parse_pattern
from clara_cli.payloads.place import WORTH_KEEPING, Placer
from clara_cli.payloads.tree import PayloadTree

MIB = 1 << 20
SIZE = 40 * MIB


class Copying:
    """Which bytes were read to be copied; a callback may stop it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parts: list[tuple[int, int]] = []
        original = os.preadv

        def watched(reader: int, buffers: Sequence[memoryview], begin: int) -> int:
            done = original(reader, buffers, begin)
            self.parts.append((begin, done))
            return done

        monkeypatch.setattr(os, "preadv", watched)
        monkeypatch.setattr(filecopy_ways, "_STEP", 4 * MIB)
        # A file system that shares blocks has nothing to go on with.
        monkeypatch.setattr(copy_module, "share_blocks", lambda *_: False)

    @property
    def total(self) -> int:
        return sum(count for _, count in self.parts)


@pytest.fixture
def copying(monkeypatch: pytest.MonkeyPatch) -> Copying:
    return Copying(monkeypatch)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "payload" / "input" / "volume"
    path.parent.mkdir(parents=True)
    path.write_bytes(os.urandom(SIZE))
    return path


def parts_in(folder: Path) -> list[Path]:
    return sorted(folder.glob(".clara-*.part"))


def place(source: Path, target: Path, copied: Callable[[int], None] = lambda _: None) -> None:
    reader = open_regular(source)
    try:
        Placer(copied).place(reader, str(target.parent), target.name)
    finally:
        os.close(reader)


def interrupted_after(size: int) -> Callable[[int], None]:
    left = [size]

    def copied(count: int) -> None:
        left[0] -= count
        if left[0] <= 0:
            raise KeyboardInterrupt

    return copied


KILLED = """
import os, signal, sys
from pathlib import Path
from clara_cli.filecopy import open_regular
import clara_cli.filecopy as copy_module
from clara_cli import filecopy_ways
from clara_cli.payloads.place import Placer
filecopy_ways._STEP = 1 << 20
copy_module.share_blocks = lambda *_: False
left = [int(sys.argv[3])]
def copied(count):
    left[0] -= count
    if left[0] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
target = Path(sys.argv[2])
Placer(copied).place(open_regular(sys.argv[1]), str(target.parent), target.name)
"""


def killed(source: Path, target: Path, after: int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, source, target, str(after)], check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_killed_download_goes_on_where_it_was(source: Path, tmp_path: Path, copying: Copying) -> None:
    target = tmp_path / "out" / "volume"
    target.parent.mkdir()
    target.write_text("old")
    killed(source, target, 30 * MIB)
    assert target.read_text() == "old"
    (part,) = parts_in(target.parent)
    assert 29 * MIB <= part.stat().st_size <= 31 * MIB
    place(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert copying.total <= 11 * MIB
    assert parts_in(target.parent) == []


def test_what_is_there_is_compared_and_not_believed(source: Path, tmp_path: Path, copying: Copying) -> None:
    target = tmp_path / "volume"
    killed(source, target, 30 * MIB)
    (part,) = parts_in(tmp_path)
    with part.open("r+b") as file:
        file.seek(10 * MIB + 5)
        file.write(bytes(3 * MIB))
    place(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert copying.parts[0][0] == 10 * MIB


def test_a_part_of_a_file_that_has_changed_is_removed(source: Path, tmp_path: Path, copying: Copying) -> None:
    target = tmp_path / "volume"
    killed(source, target, 30 * MIB)
    source.write_bytes(os.urandom(MIB))
    place(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert parts_in(tmp_path) == []


def test_old_parts_are_swept_and_those_of_others_are_not(source: Path, tmp_path: Path) -> None:
    old, young = tmp_path / ".clara-aaaa-1.part", tmp_path / ".clara-bbbb-1.part"
    for path in (old, young):
        path.touch()
    os.utime(old, (0, 0))
    place(source, tmp_path / "volume")
    assert parts_in(tmp_path) == [young]


def test_ctrl_c_keeps_what_is_worth_it(source: Path, tmp_path: Path, copying: Copying) -> None:
    with pytest.raises(KeyboardInterrupt):
        place(source, tmp_path / "a", interrupted_after(WORTH_KEEPING + 4 * MIB))
    assert len(parts_in(tmp_path)) == 1
    with pytest.raises(KeyboardInterrupt):
        place(source, tmp_path / "b", interrupted_after(4 * MIB))
    assert len(parts_in(tmp_path)) == 1


def test_two_downloads_to_one_place_do_not_meet(source: Path, tmp_path: Path, copying: Copying) -> None:
    target = tmp_path / "volume"
    again = []

    def meanwhile(_: int) -> None:
        if not again:
            again.append(True)
            place(source, target)

    place(source, target, meanwhile)
    assert target.read_bytes() == source.read_bytes()
    assert parts_in(tmp_path) == []


def test_a_link_in_place_of_a_part_is_not_followed(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    killed_name = tmp_path / "volume"
    killed(source, killed_name, 20 * MIB)
    (part,) = parts_in(tmp_path)
    (tmp_path / "victim").write_text("mine")
    (folder / part.name).symlink_to(tmp_path / "victim")
    with pytest.raises(OSError):
        place(source, folder / "volume")
    assert (tmp_path / "victim").read_text() == "mine"


def test_a_file_that_changes_is_left_out_and_told(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.preadv

    def growing(reader: int, *more: int) -> int:
        if os.fstat(reader).st_ino == source.stat().st_ino:
            with source.open("ab") as file:
                file.write(b"more")
        return original(reader, *more)

    monkeypatch.setattr(os, "preadv", growing)
    monkeypatch.setattr(copy_module, "share_blocks", lambda *_: False)
    (source.parent / "b").write_text("b")
    with pytest.raises(SourceChanged):
        copy_file(source, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    done = download(select(PayloadTree(tmp_path / "payload"), parse_pattern("/input/*")), str(tmp_path / "out"))
    assert [Path(path).name for path in done.written] == ["b"]
    assert done.failed == (("/input/volume", "it changed while it was copied"),)
    assert parts_in(tmp_path / "out") == []


def test_holes_stay_holes(tmp_path: Path) -> None:
    source = tmp_path / "payload" / "input" / "sparse"
    source.parent.mkdir(parents=True)
    with source.open("wb") as file:
        file.truncate(20 << 30)
        for place_of in (0, 10 << 30, (20 << 30) - 5):
            file.seek(place_of)
            file.write(b"data!")
    target = tmp_path / "out" / "sparse"
    download(select(PayloadTree(tmp_path / "payload"), parse_pattern("/input/*")), str(target.parent))
    info = target.stat()
    assert info.st_size == 20 << 30
    assert info.st_blocks * 512 <= 1 << 20
    with target.open("rb") as file:
        for place_of in (0, 10 << 30, (20 << 30) - 5):
            file.seek(place_of)
            assert file.read(5) == b"data!"


def test_a_part_of_a_sparse_file(tmp_path: Path, copying: Copying) -> None:
    source, target = tmp_path / "sparse", tmp_path / "out"
    with source.open("wb") as file:
        file.truncate(100 * MIB)
        file.write(os.urandom(8 * MIB))
        file.seek(80 * MIB)
        file.write(os.urandom(8 * MIB))
    killed(source, target, 84 * MIB)
    assert len(parts_in(tmp_path)) == 1
    place(source, target)
    assert copying.total <= 5 * MIB
    assert subprocess.run(["cmp", source, target], check=False).returncode == 0


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a FIFO"), (tmp_path, "a folder"), (Path("/dev/zero"), "a device")):
        with pytest.raises(NotRegular, match=f"it is {kind}"):
            copy_file(path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_nothing_is_replaced_without_clobber(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "volume").write_text("old")
    (source.parent / "b").write_text("b")
    selection = select(PayloadTree(tmp_path / "payload"), parse_pattern("/input/*"))
    with pytest.raises(PayloadError, match=r"there already, so nothing was downloaded:\n  .*/out/volume$"):
        download(selection, str(out), clobber=False)
    assert sorted(path.name for path in out.iterdir()) == ["volume"]
    assert (out / "volume").read_text() == "old"


def test_a_destination_is_never_left(source: Path, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    (source.parent / "sub").mkdir()
    (source.parent / "sub" / "f").write_text("new")
    for folder in (out, elsewhere):
        folder.mkdir()
    (out / "sub").symlink_to(elsewhere)
    tree = PayloadTree(tmp_path / "payload")
    with pytest.raises(PayloadError, match="sub is a link that leads out of"):
        download(select(tree, parse_pattern("/input/**")), str(out))
    assert list(elsewhere.iterdir()) == []
    # The destination itself may be a link, and a file in it is replaced, not written through.
    (elsewhere / "f").symlink_to(source)
    before = source.read_bytes()
    download(select(tree, parse_pattern("/input/sub/*")), str(out / "sub"))
    assert (elsewhere / "f").read_text() == "new"
    assert source.read_bytes() == before


SMALL = """
import os, signal, sys
from clara_cli.filecopy import open_regular
import clara_cli.payloads.place as place_module
from clara_cli.payloads.place import Placer
original = place_module.copy_attributes
def killed(*values):
    original(*values)
    os.kill(os.getpid(), signal.SIGKILL)
place_module.copy_attributes = killed
Placer(lambda _: None).place(open_regular(sys.argv[1]), sys.argv[2], "small")
"""


@pytest.fixture
def small(source: Path) -> Path:
    path = source.with_name("small")
    path.write_bytes(b"small")
    path.chmod(0o640)
    os.utime(path, (1, 2))
    return path


def test_a_killed_process_leaves_nothing_of_a_small_file(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    done = subprocess.run([sys.executable, "-c", SMALL, small, out], check=False)
    assert done.returncode == -signal.SIGKILL
    if list(out.iterdir()):
        pytest.skip("this file system has no files without a name")
    place(small, out / "small")
    assert [path.name for path in out.iterdir()] == ["small"]
    info = (out / "small").stat()
    assert (info.st_mode & 0o777, info.st_mtime) == (0o640, 2)


def test_a_name_that_is_taken_meanwhile_is_replaced(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, original = tmp_path / "small", os.link

    def late(*words: object, **more: object) -> None:
        target.write_text("of another")
        original(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", late)
    place(small, target)
    assert target.read_bytes() == b"small"
    assert parts_in(tmp_path) == []


def test_without_nameless_files_a_small_one_is_renamed(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.open

    def old(path: str, flags: int, *more: int, **named: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return original(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", old)
    counted: list[int] = []
    place(small, tmp_path / "small", counted.append)
    assert (tmp_path / "small").read_bytes() == b"small" and sum(counted) == 5
    assert parts_in(tmp_path) == []
