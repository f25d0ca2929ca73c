"""A log that is bounded on disk, and read in bounded memory."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clara_cli.runtime.log_stream import LONGEST, LogStream
from clara_cli.runtime.operator_log import OperatorLog, read_times, times_of

MIB = 1 << 20


def numbered(count: int) -> bytes:
    return b"".join(b"line %07d\n" % number for number in range(count))


def written(path: Path, limit: int, count: int) -> OperatorLog:
    log = OperatorLog(path, limit)
    text = numbered(count)
    for start in range(0, len(text), 1 << 16):
        log.write(text[start : start + (1 << 16)])
    return log


def shown(path: Path, since: float | None = None, tail: int | None = None) -> list[bytes]:
    stream = LogStream("a", path)
    try:
        stream.start(since, tail)
        return [line.text for line in stream.lines()]
    finally:
        stream.close()


def test_a_log_within_its_limit_is_kept_as_it_was_written(tmp_path: Path) -> None:
    log = written(tmp_path / "a.log", MIB, 1000)
    log.close()
    assert (tmp_path / "a.log").read_bytes() == numbered(1000)
    assert (log.left_out, log.lost) == (0, 0)


def test_a_log_beyond_its_limit_takes_no_more_of_the_disk_and_keeps_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    log = written(path, MIB, 2_000_000)  # 26 MB
    assert path.stat().st_size == 26_000_000
    assert path.stat().st_blocks * 512 < 1.3 * MIB, "while it is written"
    before = shown(path)
    log.close()
    assert path.stat().st_size < 1.3 * MIB
    assert sorted(path.name for path in tmp_path.glob("a*")) == ["a.log", "a.times"]
    lines = path.read_bytes().splitlines()
    note = next(number for number, line in enumerate(lines) if line.startswith(b"[clara: "))
    assert lines[note] == b"[clara: %d bytes of this log were left out here; its beginning and its end are kept]" % (
        log.left_out
    )
    kept = path.stat().st_size - len(lines[note]) - 2
    assert kept + log.left_out == 26_000_000
    assert lines[0] == b"line 0000000" and lines[-1] == b"line 1999999"
    assert 0.4 * MIB < sum(len(line) + 1 for line in lines[:note]) < 0.6 * MIB
    assert before == shown(path), "the hole was shown as the note is now"


def test_the_times_of_a_log_fit_what_is_left_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    log = written(path, MIB, 500_000)
    log.close()
    text = path.read_bytes()
    times = read_times(times_of(path).read_bytes())
    assert times and times == sorted(times)
    assert all(0 <= offset < len(text) for _, offset in times)
    assert any(offset > MIB // 2 for _, offset in times), "also of its end"


def test_without_holes_the_last_words_are_kept(tmp_path: Path) -> None:
    # A file system that cannot make holes: ramfs, mounted for this process alone.
    program = f"""
        import pathlib, sys
        sys.path[:0] = {sys.path!r}
        from clara_cli.runtime.operator_log import OperatorLog
        log = OperatorLog(pathlib.Path("{tmp_path}/a.log"), 1 << 20)
        for number in range(1000):
            log.write(b"line %07d\\n" % number * 1000)
        log.close()
        text = pathlib.Path("{tmp_path}/a.log").read_bytes()
        assert 1 << 20 <= len(text) < (1 << 20) + (1 << 18), len(text)
        assert text.startswith(b"line 0000000\\n") and text.endswith(b"line 0000999\\n")
        kept = len(text) - len(text[text.index(b"\\n[clara: "):].split(b"]\\n")[0]) - 2
        assert kept + log.left_out == 13_000_000
    """
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    command = f"mount -t ramfs none {tmp_path} && cd / && python - < /proc/self/fd/3"
    with (tmp_path / "program.py").open() as script:
        os.set_inheritable(script.fileno(), True)
        done = subprocess.run(
            ["unshare", "-rm", "bash", "-c", command.replace("/proc/self/fd/3", f"/proc/self/fd/{script.fileno()}")],
            pass_fds=(script.fileno(),),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr}")
    assert done.returncode == 0, done.stderr


def test_a_full_disk_is_counted_and_ends_nothing(tmp_path: Path) -> None:
    log = OperatorLog(tmp_path / "a.log", MIB)
    os.dup2(os.open("/dev/full", os.O_WRONLY), log._file)
    log.write(b"x" * 1000)
    log.close()
    assert log.lost == 1000


def test_reading_a_log_with_a_hole_of_a_terabyte(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with path.open("wb") as file:
        file.write(b"begin\n" * 1000)
        file.truncate(1 << 40)
        file.seek(1 << 40)
        file.write(b"end\n" * 1000)
    lines = shown(path)
    assert lines[:1000] == [b"begin\n"] * 1000 and lines[-1000:] == [b"end\n"] * 1000
    assert b"bytes of this log were left out" in b"".join(lines[1000:-1000])
    assert shown(path, tail=3) == [b"end\n"] * 3
    assert len(shown(path, tail=1500)) > 1500


def test_a_line_without_end_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with path.open("wb") as file:
        for _ in range(64):
            file.write(b"x" * MIB)
    tracemalloc.start()
    total = 0
    stream = LogStream("a", path)
    for line in stream.lines():
        assert len(line.text) <= LONGEST
        total += len(line.text)
    stream.close()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 64 * MIB
    assert peak < 4 * MIB


@given(
    st.lists(st.binary(max_size=40).map(lambda text: text.replace(b"\n", b"")), max_size=30),
    st.booleans(),
    st.integers(0, 40),
    st.integers(1, 7),
)
def test_lines_and_tails_are_those_of_the_text(lines: list[bytes], ended: bool, tail: int, piece: int) -> None:
    import tempfile

    text = b"\n".join(lines) + (b"\n" if ended else b"")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.log"
        path.write_bytes(text)
        whole = [item + b"\n" for item in text.split(b"\n")[:-1]] + [item for item in text.split(b"\n")[-1:] if item]
        assert shown(path) == whole
        assert shown(path, tail=tail) == (whole[-tail:] if tail else [])
        # The same, when it grows while it is read.
        path.write_bytes(b"")
        stream, seen = LogStream("a", path), b""
        with path.open("ab", buffering=0) as file:
            for start in range(0, len(text), piece):
                file.write(text[start : start + piece])
                found = [line.text for line in stream.lines(final=False)]
                assert all(item.endswith(b"\n") for item in found)
                seen += b"".join(found)
        seen += b"".join(line.text for line in stream.lines())
        stream.close()
        assert seen == text


def test_since_and_order_come_from_the_times(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ntwo\nthree\nfour")
    times_of(path).write_text("100.0 0\n200.0 4\nbroken line\n150.0 8\n300.0 14\n99")
    stream = LogStream("a", path)
    assert [line.when for line in stream.lines()] == [100.0, 200.0, 200.0, 300.0], "a clock set back changes no order"
    stream.close()
    assert shown(path, since=100.0) == [b"one\n", b"two\n", b"three\n", b"four"]
    assert shown(path, since=150.0) == [b"two\n", b"three\n", b"four"]
    assert shown(path, since=250.0) == [b"four"]
    assert shown(path, since=301.0) == []
    assert shown(path, since=150.0, tail=1) == [b"four"]
    times_of(path).unlink()
    assert shown(path, since=path.stat().st_mtime - 1) == [b"one\n", b"two\n", b"three\n", b"four"]
    assert shown(path, since=path.stat().st_mtime + 1) == []


def test_a_line_that_was_begun_before_is_shown_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"first\nloading ... done\n")
    times_of(path).write_text("100.0 0\n200.0 17\n")
    assert shown(path, since=150.0) == [b"loading ... done\n"]
