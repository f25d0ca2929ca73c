"""Logs of any size, a part at a time; what processes take."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from support import wait_until

from clara_cli.runtime.log_window import LARGEST, read_window, search_log
from clara_cli.runtime.usage import Meter


def test_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    assert read_window(tmp_path / "none.log") == (0, 0, 0, b"")
    assert search_log(tmp_path / "none.log", "x", 5) == ([], False)


def test_the_end_first_then_what_is_before(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    lines = [f"line {number:06}\n".encode() for number in range(60_000)]
    log.write_bytes(b"".join(lines))
    last = read_window(log)
    assert last.end == last.size == log.stat().st_size and last.end - last.start <= LARGEST
    # It begins with a whole line.
    assert last.data.startswith(b"line ") and last.data.splitlines()[-1] == b"line 059999"
    before = read_window(log, before=last.start)
    assert before.end == last.start and before.data.startswith(b"line ")
    assert log.read_bytes().endswith(before.data + last.data)
    first = read_window(log, start=0)
    assert first.data == log.read_bytes()[:LARGEST]
    assert read_window(log, start=10**9).data == b""
    assert read_window(log, before=5).data == b"line "
    log.write_bytes(log.read_bytes() + b"new\n")
    assert read_window(log, start=last.end).data == b"new\n"


def test_a_line_without_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * (LARGEST * 3))
    last = read_window(log)
    assert len(last.data) == LARGEST and last.start == LARGEST * 2
    (match, *_), more = search_log(log, "X", 1)
    assert match.offset == 0 and len(match.text) == 500 and not more


def test_what_was_left_out_is_said(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("wb") as file:
        file.write(b"begin\n" + b"a" * (1 << 16))
        file.seek(1 << 20)
        file.write(b"\nafter the hole\n")
    if log.stat().st_blocks * 512 > 1 << 19:  # this file system has no holes
        return
    window = read_window(log, before=(1 << 20) + 16)
    assert b"were left out here" in window.data and window.data.endswith(b"\nafter the hole\n")
    assert b"\0" not in window.data[-20:]
    (match,), _ = search_log(log, "AFTER", 5)
    assert log.read_bytes()[match.offset :].startswith(b"after the hole")


def test_a_search_ends_at_its_bound(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes("".join(f"Zeile {number} Größe\n" for number in range(100)).encode() + b"last\xff")
    found, more = search_log(log, "größe", 10)
    assert len(found) <= 10
    found, more = search_log(log, "zeile", 10)
    assert len(found) == 10 and more
    assert [match.offset for match in found] == sorted({match.offset for match in found})
    found, more = search_log(log, "zeile 9", 100)
    assert len(found) == 11 and not more
    (match,), _ = search_log(log, "last", 10)
    assert match.text == b"last\xff"


def test_a_process_and_its_children_are_seen() -> None:
    program = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    held = bytearray(60 << 20)\n"
        "    end = time.process_time() + 0.3\n"
        "    while time.process_time() < end: pass\n"
        "    print('done', flush=True)\n"
        "    time.sleep(60)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, start_new_session=True)
    try:
        meter = Meter(lambda: process.pid)
        meter.look(time.monotonic() - 1)
        assert meter.usage is None, "it is not time to look yet"
        assert process.stdout is not None and process.stdout.readline() == b"done\n"

        def looked() -> bool:
            meter.look(time.monotonic())
            return meter.usage is not None

        wait_until(looked, "a look")
        assert meter.usage is not None
        assert meter.usage.cpu_seconds >= 0.25 and meter.usage.peak_memory > 60 << 20
        assert 0 < meter.patience(time.monotonic()) <= 1.0
        before = meter.usage
    finally:
        os.killpg(process.pid, 9)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    meter.look(time.monotonic() + 10)
    assert meter.usage is not None and meter.usage >= before, "what was seen is kept"
