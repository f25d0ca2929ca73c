"""Hostile payloads, names and disks: nothing leaves a payload or a destination, nothing blocks, nothing is half there.

`python -m pytest tests/drills/test_payload_drill.py`; CLARA_DRILL_FILES=100000 for the long form of the crowd of files.
"""

# ruff: noqa: PTH102, PTH118 (names that are no text are bytes here)
from __future__ import annotations

import os
import random
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import installed_command, ordinary_user

FILES = int(os.environ.get("CLARA_DRILL_FILES", "5000"))
KILLS = int(os.environ.get("CLARA_DRILL_KILLS", "15"))
NASTY = [
    b"-rf",
    b"--help",
    b" ",
    b" a b ",
    b"new\nline",
    b"tab\tand\x1b[31mred",
    b"\xff\xfe",
    b"\xe6\xbc\xa2" * 85,
    b"x" * 255,
    b"*",
    b"[a]",
    b"?",
    b"~",
    b"$(touch pwned)",
    b"a:b;c",
    b"...",
    b"..x",
    b"C:\\x",
    b".clara-1-2.part",
    "e\u0301".encode(),
    "\u202egpj.exe".encode(),
]


def clara(
    *words: object, code: int | None = 0, timeout: float = 60, **more: object
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [installed_command(), *map(os.fspath, map(_word, words))],
        capture_output=True,
        timeout=timeout,
        check=False,
        **more,  # type: ignore[call-overload]
    )
    assert b"Traceback" not in done.stderr and b"clara itself failed" not in done.stderr, done.stderr
    assert code is None or done.returncode == code, done.stderr
    return done


def _word(word: object) -> str | bytes:
    return word if isinstance(word, bytes) else str(word)


def make_payload(source: object) -> str:
    return clara("create", "payload", "-f", source).stdout.split()[1].decode()


def folder_of(payload: str) -> Path:
    return Path(os.environ["CLARA_ROOT"]) / "payloads" / payload


def tree(folder: Path) -> dict[bytes, bytes]:
    return {
        os.fsencode(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def left_over() -> list[str]:
    """What is neither a payload nor a record of one."""
    root = Path(os.environ["CLARA_ROOT"])
    known = clara("list", "payloads", "-q").stdout.decode().split()
    return [path.name for path in (root / "payloads").iterdir() if path.name not in known]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_names_of_all_kinds_come_back_as_they_were(data: Path, tmp_path: Path) -> None:
    for place, name in enumerate(NASTY):
        inside = os.path.join(bytes(data), b"d" + name[:250])
        os.mkdir(inside)
        for path in (os.path.join(inside, name), os.path.join(bytes(data), name)):
            Path(os.fsdecode(path)).write_text(str(place))
    payload = make_payload(data)
    clara("describe", "payload", payload)
    clara("download", f"{payload}:/", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(data)
    assert len(tree(data)) == 2 * len(NASTY)
    # Each can be named on the command line; a wildcard is quoted as in a shell.
    for place, name in enumerate(NASTY):
        pattern = b"".join(b"[%c]" % character if character in b"*?[" else b"%c" % character for character in name)
        clara("download", payload.encode() + b":/" + pattern, b"%s/one-%d" % (bytes(tmp_path), place))
        found = tmp_path / f"one-{place}"
        file = found / os.fsdecode(name) if found.is_dir() else found
        assert file.read_text() == str(place)
    clara("upload", "-p", payload, "--to", "up", "--", *(os.path.join(bytes(data), name) for name in NASTY))
    assert not Path("pwned").exists()
    assert {name for name in tree(folder_of(payload)) if name.startswith(b"up/")} == {b"up/" + name for name in NASTY}


def test_paths_that_cannot_be(data: Path, tmp_path: Path) -> None:
    (data / "loop").symlink_to("loop")
    payload = clara("create", "payload").stdout.split()[1].decode()
    (folder_of(payload) / "a").write_text("a")
    long = "x" * 300
    for words in (
        ["download", f"{payload}:/{long}/a", tmp_path / "out"],
        ["download", f"{payload}:/a", tmp_path / long],
        ["download", f"{payload}:/a", data / "loop" / "x"],
        ["download", f"{payload}:/*", data / "loop"],
        ["create", "payload", "-f", long],
        ["create", "payload", "-f", data / "loop"],
        ["create", "payload", "-f", data],
        ["upload", "-p", payload, "--to", long, folder_of(payload) / "a"],
        ["create", "model", "-p", data / "loop"],
    ):
        assert clara(*words, code=1).stderr.startswith(b"Error: "), words
    assert left_over() == []


TRAVERSALS = ["..", "../x", "/../../etc/passwd", "a/../../x", "./..", "*/../..", "/operators/../../clara.db"]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out(data: Path, tmp_path: Path, path: str) -> None:
    (data / "a").write_text("a")
    payload = make_payload(data)
    out = tmp_path / "out"
    for words in (["download", f"{payload}:{path}", out], ["upload", "-p", payload, "--to", path, data / "a"]):
        said = clara(*words, code=1).stderr
        assert b'leaves the payload: ".." is not allowed in it' in said
    assert not out.exists()
    assert tree(folder_of(payload)) == {b"a": b"a"}


def test_links_that_an_operator_placed(data: Path, tmp_path: Path) -> None:
    (data / "a").write_text("a")
    payload = make_payload(data)
    folder = folder_of(payload)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("secret")
    (folder / "sub").mkdir()
    links = {
        "absolute": tmp_path / "secret" / "key",
        "relative": Path("../../../secret/key"),
        "folder": tmp_path / "secret",
        "sub/up": Path(".."),
        "loop": Path("loop"),
        "nowhere": Path("none"),
        "device": Path("/dev/zero"),
        "memory": Path("/proc/self/environ"),
        "prefix": Path(f"{folder}x"),
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    (folder / "inside").symlink_to("a")
    (folder / "chain").symlink_to("inside")
    done = clara("download", f"{payload}:/**", tmp_path / "out")
    assert tree(tmp_path / "out") == {b"a": b"a", b"inside": b"a", b"chain": b"a"}
    for name in links:
        assert f"{name} is left out: it is".encode() in done.stderr
        if name != "sub/up":  # a folder of the payload may be named through a link
            assert clara("download", f"{payload}:/{name}", tmp_path / "single", code=1).stderr
            assert not (tmp_path / "single").exists()
    assert b"leads out of the payload" in clara("download", f"{payload}:/folder/key", tmp_path / "x", code=1).stderr
    assert b"secret" not in b"".join(tree(tmp_path / "out").values())


def test_a_link_that_is_exchanged_while_it_is_read(data: Path, tmp_path: Path) -> None:
    """An operator that runs may turn a file into a link at any moment: what is opened is what is checked."""
    (data / "a").write_text("a")
    payload = make_payload(data)
    victim, place = tmp_path / "secret", folder_of(payload) / "a"
    victim.write_text("secret")
    child = os.fork()
    if child == 0:
        while True:
            for make in (lambda path: path.symlink_to(victim), lambda path: path.write_text("a")):
                other = place.with_name("other")
                other.unlink(missing_ok=True)
                make(other)
                other.replace(place)
    try:
        end = time.monotonic() + 4
        while time.monotonic() < end:
            clara("download", f"{payload}:/a*", tmp_path / "out", code=None)
            if (tmp_path / "out" / "a").exists():
                assert (tmp_path / "out" / "a").read_text() in ("a", "")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_devices_fifos_and_sockets_are_never_opened(data: Path, tmp_path: Path) -> None:
    (data / "a").write_text("a")
    payload = make_payload(data)
    for folder in (folder_of(payload), data):
        os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as special:
        before = Path.cwd()
        os.chdir(folder_of(payload))
        try:
            special.bind("socket")
        finally:
            os.chdir(before)
        if os.geteuid() == 0:
            os.mknod(folder_of(payload) / "zero", 0o600 | 0o020000, os.makedev(1, 5))
        done = clara("download", f"{payload}:/*", tmp_path / "out", timeout=10)
    assert tree(tmp_path / "out") == {b"a": b"a"}
    assert b"pipe is left out: it is a FIFO" in done.stderr and b"socket is left out: it is a socket" in done.stderr
    assert os.geteuid() != 0 or b"zero is left out: it is a device" in done.stderr
    for words in (
        ["create", "payload", "-f", data],
        ["create", "payload", "-f", data / "pipe"],
        ["upload", "-p", payload, "/dev/zero"],
        ["create", "payload", "-f", "/dev/stdin"],
    ):
        said = clara(*words, code=1, timeout=10, stdin=subprocess.PIPE).stderr
        assert b"only files and folders can be uploaded" in said
    assert b"is a FIFO: it cannot be downloaded" in clara("download", f"{payload}:/pipe", "x", code=1).stderr
    assert left_over() == []


def test_uploads_killed_at_any_moment(data: Path, tmp_path: Path) -> None:
    """SIGKILL at random moments, four uploads at a time; live ones are never swept."""
    for count in range(300):
        (data / f"{count}").write_bytes(os.urandom(2000))
    expected = tree(data)
    dice = random.Random(7)
    for _ in range(KILLS):
        running = [
            subprocess.Popen([installed_command(), "create", "payload", "-f", data], stdout=subprocess.PIPE)
            for _ in range(4)
        ]
        for process in running[:3]:
            time.sleep(dice.random() * 0.15)
            process.kill()
        assert running[3].wait() == 0
        for process in running:
            process.communicate()
    clara("create", "payload")
    assert left_over() == []
    for _ in range(KILLS // 3):
        process = subprocess.Popen([installed_command(), "create", "payload", "-f", data], stdout=subprocess.PIPE)
        time.sleep(0.1 + dice.random() * 0.15)
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode in (0, 130, -signal.SIGINT)
        assert left_over() == []
    whole = clara("list", "payloads", "-q").stdout.decode().split()
    assert len(whole) > KILLS
    assert all(tree(folder_of(payload)) in (expected, {}) for payload in whole)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB and 400 files; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=400", "none", folder], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_under_the_root(
    small_disk: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLARA_ROOT", str(small_disk / "root"))
    (data / "big").write_bytes(os.urandom(12 << 20))
    (data / "a").write_text("a")
    kept = make_payload(data / "a")
    said = clara("create", "payload", "-f", data, code=1).stderr
    assert b"No space left on device" in said and b"bytes are free" in said and b"nothing was kept" in said
    said = clara("upload", "-p", kept, data, code=1).stderr
    assert b"No space left on device" in said
    assert left_over() == []
    assert tree(folder_of(kept)) == {b"a": b"a"}
    (data / "big").unlink()
    for count in range(500):
        (data / f"{count}").touch()
    assert b"No space left on device" in clara("create", "payload", "-f", data, code=1).stderr
    assert left_over() == []
    assert clara("describe", "payload", kept).returncode == 0


def test_a_full_disk_under_the_destination(small_disk: Path, data: Path) -> None:
    (data / "a").write_text("new")
    (data / "big").write_bytes(os.urandom(12 << 20))
    payload = make_payload(data)
    out = small_disk / "out"
    out.mkdir()
    (out / "big").write_text("old")
    said = clara("download", f"{payload}:/*", out, code=1).stderr
    assert b"No space left on device; files written before it are whole" in said
    assert tree(out) == {b"a": b"new", b"big": b"old"}


def test_a_root_that_cannot_be_written(
    small_disk: Path, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLARA_ROOT", str(small_disk / "root"))
    (data / "a").write_text("a")
    payload = make_payload(data)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for words in (["create", "payload", "-f", data], ["delete", "payload", payload], ["clean", "--max-size", "0"]):
        said = clara(*words, code=1).stderr.decode()
        assert "not writable" in said and "CLARA_ROOT" in said
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert tree(folder_of(payload)) == {b"a": b"a"}
    folder = tmp_path / "closed"
    folder.mkdir(0o500)
    said = clara("download", f"{payload}:/*", folder / "out", code=1, preexec_fn=ordinary_user).stderr
    assert b"Permission denied" in said


def test_a_limit_on_file_sizes(data: Path, tmp_path: Path) -> None:
    """A quota stops a write in its middle, as a full disk does; it needs no mount."""
    (data / "a").write_text("new")
    (data / "big").write_bytes(os.urandom(6 << 20))
    payload = make_payload(data)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))

    said = clara("create", "payload", "-f", data, code=1, preexec_fn=limited).stderr
    assert b"big: File too large; nothing was kept" in said
    assert left_over() == []
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "big").write_text("old")
    assert b"File too large" in clara("download", f"{payload}:/*", tmp_path / "out", code=1, preexec_fn=limited).stderr
    assert tree(tmp_path / "out") == {b"a": b"new", b"big": b"old"}


def test_a_crowd_of_files(data: Path, tmp_path: Path) -> None:
    for count in range(FILES):
        if count % 1000 == 0:
            (data / str(count // 1000)).mkdir()
        (data / str(count // 1000) / f"{count}").write_text(str(count))
    payload = make_payload(data)
    done = clara("download", f"{payload}:/*", tmp_path / "out", timeout=600)
    assert done.stdout.splitlines()[-1] == f"Downloaded {FILES} files.".encode()
    assert tree(tmp_path / "out") == tree(data)
    assert f"FILES: {FILES}".encode() in clara("describe", "payload", payload).stdout.splitlines()
    clara("delete", "payload", payload, timeout=600)
    assert left_over() == []


def test_a_sparse_file_of_20_gb(data: Path, tmp_path: Path) -> None:
    with (data / "sparse").open("wb") as file:
        file.truncate(20 * 10**9)
        file.seek(10**10)
        file.write(b"middle")
    began = time.monotonic()
    payload = make_payload(data)
    clara("download", f"{payload}:/sparse", f"{tmp_path}/out/")
    assert time.monotonic() - began < 20
    for path in (folder_of(payload) / "sparse", tmp_path / "out" / "sparse"):
        assert path.stat().st_size == 20 * 10**9
        assert path.stat().st_blocks * 512 < 1 << 20
        with path.open("rb") as file:
            file.seek(10**10)
            assert file.read(6) == b"middle"
