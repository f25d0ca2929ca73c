"""Upload and download on real files."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

import clara_cli.filecopy as copy_module
from clara_cli.config import Config
from clara_cli.errors import NotFound, PayloadError
from clara_cli.filecopy import copy_file
from clara_cli.payloads.download import download, select
from clara_cli.payloads.pattern import parse_pattern
from clara_cli.payloads.staging import sweep
from clara_cli.payloads.tree import PayloadTree
from clara_cli.payloads.upload import staged_payload
from clara_cli.root import Root, choose_root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return choose_root(Config(root=tmp_path / "root"))


def upload(root: Root, source: Path | None) -> dict[str, bytes]:
    """What an upload puts into the input folder."""
    with staged_payload(root, "ab", source) as (aside, count):
        top = aside / "input"
        files = {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}
        assert count == len(files)
    assert list(root.payloads.iterdir()) == []
    return files


def test_a_file_is_uploaded_as_itself(root: Root, tmp_path: Path) -> None:
    (tmp_path / "scan 1.nii").write_bytes(b"data")
    assert upload(root, tmp_path / "scan 1.nii") == {"scan 1.nii": b"data"}
    assert upload(root, None) == {}


def test_a_folder_gives_its_children_and_links_are_followed(root: Root, tmp_path: Path) -> None:
    source, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    (source / "sub" / "empty").mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "x").write_bytes(b"x")
    (source / "sub" / "-n").write_bytes(b"n")
    (source / "ünï\ncode").write_bytes(b"u")
    (source / "link").symlink_to(elsewhere / "x")
    (source / "folder").symlink_to(elsewhere)
    expected = {"sub/-n": b"n", "ünï\ncode": b"u", "link": b"x", "folder/x": b"x"}
    assert upload(root, source) == expected


def test_what_cannot_be_uploaded_is_named_and_nothing_is_kept(root: Root, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    cases: list[tuple[Path, str]] = [(tmp_path / "none", "no file or folder")]
    (source / "dangling").symlink_to(tmp_path / "nowhere")
    cases.append((source / "dangling", "link to a file that does not exist"))
    (source / "dangling").unlink()
    (source / "loop").symlink_to(source)
    cases.append((source, "link to a folder that contains it"))
    for path, told in cases:
        if path.name == "dangling":
            path.symlink_to(tmp_path / "nowhere")
        with pytest.raises(PayloadError, match=told):
            upload(root, path)
        if path.name == "dangling":
            path.unlink()
    (source / "loop").unlink()
    with socket.socket(socket.AF_UNIX) as special:
        special.bind(str(source / "socket"))
        with pytest.raises(PayloadError, match="socket is a socket: only files and folders can be uploaded"):
            upload(root, source)
    assert list(root.payloads.iterdir()) == []


def test_a_full_disk_is_an_error_and_leaves_nothing(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").write_bytes(b"data")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(copy_module, "copy_contents", full)
    with pytest.raises(
        PayloadError, match=r"no room for .*f: No space left on device \(\d+ bytes are free .*nothing was kept"
    ):
        upload(root, tmp_path / "f")
    assert list(root.payloads.iterdir()) == []


def test_leftovers_of_dead_uploads_are_swept_and_living_ones_are_not(root: Root) -> None:
    (root.payloads / ".incoming-dead" / "input").mkdir(parents=True)
    (root.payloads / "0123").mkdir()
    with staged_payload(root, "alive", None) as (aside, _):
        sweep(root.payloads, lambda _: False)
        assert {path.name for path in root.payloads.iterdir()} == {aside.name, f"{aside.name}.lock", "0123"}


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 7])
def test_every_way_of_copying_gives_the_same_bytes(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(size))
    source.chmod(0o755)
    copy_file(source, tmp_path / "from disk to disk")
    monkeypatch.setattr(os, "major", lambda _: 0)
    copy_file(source, tmp_path / "by the kernel")

    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    copy_file(source, tmp_path / "sent by the kernel")
    monkeypatch.setattr(os, "sendfile", refuse)
    copy_file(source, tmp_path / "by hand")
    for name in ("from disk to disk", "by the kernel", "sent by the kernel", "by hand"):
        assert (tmp_path / name).read_bytes() == source.read_bytes()
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o755


def test_files_without_a_size_are_copied_too(tmp_path: Path) -> None:
    copy_file(Path("/proc/self/status"), tmp_path / "status")
    assert b"Name:" in (tmp_path / "status").read_bytes()


@pytest.fixture
def tree(tmp_path: Path) -> PayloadTree:
    tree = PayloadTree(tmp_path / "payload")
    for name in ("input/scan.nii", "operators/op/res/deep/a.txt", "operators/op/b.csv", "operators/op/c d.csv"):
        path = tree.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tree


def fetched(tree: PayloadTree, pattern: str, target: Path, destination: str | None = None) -> set[str]:
    done = download(select(tree, parse_pattern(pattern)), destination or str(target))
    assert all(Path(path).is_file() for path in done.written) and not done.failed
    return {str(Path(path).relative_to(target)) for path in done.written}


def test_files_land_below_the_fixed_part(tree: PayloadTree, tmp_path: Path) -> None:
    target = tmp_path / "result"
    assert fetched(tree, "/operators/op/*", target) == {"res/deep/a.txt", "b.csv", "c d.csv"}
    assert fetched(tree, "/operators/op/*.csv", target, f"{target}/") == {"b.csv", "c d.csv"}
    assert fetched(tree, "/operators/*/res", target) == {"op/res/deep/a.txt"}
    assert fetched(tree, "**/a.txt", target) == {"operators/op/res/deep/a.txt"}


def test_plain_paths(tree: PayloadTree, tmp_path: Path) -> None:
    target = tmp_path / "result"
    assert fetched(tree, "/operators/op", target) == {"op/res/deep/a.txt", "op/b.csv", "op/c d.csv"}
    assert fetched(tree, "/operators/op/", target) == {"res/deep/a.txt", "b.csv", "c d.csv"}
    assert fetched(tree, "/operators/op/b.csv", target) == {"b.csv"}
    assert fetched(tree, "/operators/op/b.csv", tmp_path, str(tmp_path / "as.csv")) == {"as.csv"}
    assert fetched(tree, "/operators/op/b.csv", tmp_path / "new", f"{tmp_path}/new/") == {"b.csv"}


def test_nothing_found_says_what_is_there(tree: PayloadTree, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"matches /operators/op/\*\.tsv; /operators/op holds b\.csv, c d\.csv, res"):
        fetched(tree, "/operators/op/*.tsv", tmp_path / "result")
    assert not (tmp_path / "result").exists()


def test_names_that_differ_by_case_only(tree: PayloadTree, tmp_path: Path) -> None:
    assert fetched(tree, "/Operators/OP/RES/*", tmp_path / "r") == {"deep/a.txt"}


def test_links_out_of_the_payload_are_left_out(tree: PayloadTree, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tree.path / "operators/op/out").symlink_to(tmp_path / "secret")
    (tree.path / "operators/op/inside").symlink_to(tree.path / "input/scan.nii")
    (tree.path / "operators/op/folder").symlink_to(tmp_path)
    (tree.path / "operators/op/nowhere").symlink_to("none")
    os.mkfifo(tree.path / "operators/op/pipe")
    selection = select(tree, parse_pattern("/operators/op/*"))
    assert {entry.name: entry.fault for entry in selection.left_out} == {
        "folder": "it is a link that leads out of the payload",
        "nowhere": "it is a link that leads nowhere",
        "out": "it is a link that leads out of the payload",
        "pipe": "it is a FIFO",
    }
    download(selection, str(tmp_path / "result"))
    assert (tmp_path / "result" / "inside").read_text() == "input/scan.nii"
    assert not (tmp_path / "result" / "out").exists()
    with pytest.raises(PayloadError, match="leads out of the payload"):
        select(tree, parse_pattern("/operators/op/folder/secret"))


def test_a_destination_that_is_a_file(tree: PayloadTree, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PayloadError, match="is no folder: expected one to download into"):
        fetched(tree, "/operators/op/*", tmp_path / "file")


def test_uploads_at_the_same_time_do_not_sweep_each_other(root: Root) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def one(number: int) -> None:
        with staged_payload(root, f"{number:032x}", None) as (aside, _):
            assert (aside / "input").is_dir()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(400)))
    assert list(root.payloads.iterdir()) == []


def test_a_folder_that_holds_the_root_is_refused(root: Root, tmp_path: Path) -> None:
    with pytest.raises(PayloadError, match="holds the payloads of clara itself"):
        upload(root, tmp_path)


def test_a_very_deep_folder(root: Root, tmp_path: Path) -> None:
    source = tmp_path / "deep"
    source.mkdir()
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(source)
        for _ in range(300):
            Path("d").mkdir()
            os.chdir("d")
        Path("f").write_bytes(b"x")
    finally:
        os.chdir(before)
        os.close(before)
    assert list(upload(root, source).values()) == [b"x"]


def test_names_as_long_as_names_can_be(tree: PayloadTree, tmp_path: Path) -> None:
    name = "漢" * 85
    (tree.path / "operators/op" / name).write_text("x")
    assert fetched(tree, "/operators/op/漢*", tmp_path / "r") == {name}
