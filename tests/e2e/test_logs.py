"""`clara logs`: several logs in order, followed while the job runs, safe on a terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from support import Clara, Project, installed_command, on_terminal, wait_until

TALK = """
import sys, time
name, count, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
for number in range(count):
    print(name, number, flush=True)
    time.sleep(pause)
"""
PAIR = """
- name: a
  container: {image: talk, command: [a, '4', '0.1']}
- name: b
  container: {image: talk, command: [b, '4', '0.1']}
"""


@pytest.fixture
def pair(clara: Clara, project: Project) -> str:
    """A job of two operators that talk."""
    project.operator("talk", TALK)
    return clara.job(clara.pipeline(project.definition(PAIR, "0.4.0")))


def lines_of(name: str, lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith(f"{name} | ")]


def test_lines_of_several_operators_are_in_the_order_of_their_writing(clara: Clara, pair: str) -> None:
    clara("start", "job", "-j", pair)
    lines = clara("logs", pair).lines
    for name in "ab":
        assert lines_of(name, lines) == [f"{name} | {name} {number}" for number in range(4)]
    first, last = lines.index("b | b 0"), lines.index("a | a 3")
    assert first < last, "they ran at the same time, so their lines are mixed"
    assert clara("logs", "-j", pair, "-o", "a", "-o", "B").lines == lines
    assert clara("logs", "-j", pair, "-o", "a").out == "".join(f"a {number}\n" for number in range(4))


def test_tails_and_since(clara: Clara, pair: str) -> None:
    clara("start", "job", "-j", pair)
    assert sorted(clara("logs", "-j", pair, "--tail", 1).lines) == ["a | a 3", "b | b 3"]
    assert clara("logs", "-j", pair, "-o", "a", "--tail=2").lines == ["a 2", "a 3"]
    assert clara("logs", "-j", pair, "--tail", 0).out == ""
    assert len(clara("logs", "-j", pair, "--since", "1h").lines) == 8
    time.sleep(1.1)
    assert clara("logs", "-j", pair, "--since", "1s").out == ""
    answer = clara("logs", "-j", pair, "--since", "soon", code=2)
    assert 'Error: "soon" is no time: expected how long ago' in answer.err
    assert "--tail': -1 is not in the range" in clara("logs", "-j", pair, "--tail", -1, code=2).err


@pytest.mark.parametrize("flags", [(), ("-o", "a"), ("-o", "a", "-o", "b")])
def test_following_from_before_the_start_to_the_end(clara: Clara, pair: str, flags: tuple[str, ...]) -> None:
    command = [installed_command(), "logs", "-f", "-j", pair, *flags]
    follower = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert follower.stdout is not None and follower.stderr is not None
    assert follower.stderr.readline() == f"job {pair} has not been started: waiting for it\n"
    clara("start", "job", "-j", pair, "--detach")
    first = follower.stdout.readline()
    assert "JOB_STATE_STOPPED" not in clara("describe", "job", "-j", pair).out, "the first line came while it ran"
    out = follower.stdout.read()
    assert follower.wait(20) == 0 and follower.communicate()[1] == ""
    assert sorted((first + out).splitlines()) == sorted(clara("logs", "-j", pair, *flags).lines)


def test_following_a_job_that_has_ended_shows_it_and_ends(clara: Clara, pair: str) -> None:
    clara("start", "job", "-j", pair)
    assert sorted(clara("logs", "-f", "-j", pair).lines) == sorted(clara("logs", "-j", pair).lines)
    assert clara("logs", "-f", "-j", pair, "-o", "a").out == clara("logs", "-j", pair, "-o", "a").out


@pytest.fixture
def endless(clara: Clara, project: Project) -> str:
    """A running job whose operator has said something and goes on."""
    project.operator("a", "import time\nprint('begun', flush=True)\nprint('half', end='', flush=True)\ntime.sleep(600)")
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    clara("start", "job", "-j", job, "--detach")
    wait_until(lambda: "half" in clara("logs", "-j", job).out, "the operator")
    return job


def runner_of(job: str) -> int:
    """The process that holds the lock of a detached job."""
    lock = Path(os.environ["CLARA_ROOT"]) / "jobs" / job / "lock"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(descriptor.readlink() == lock for descriptor in (process / "fd").iterdir()):
                return int(process.name)
    raise AssertionError(f"job {job} has no runner")


def cancel(clara: Clara, job: str) -> None:
    os.kill(runner_of(job), signal.SIGTERM)
    wait_until(lambda: "JOB_STATE_STOPPED" in clara("describe", "job", "-j", job).out, "the end")


def test_interrupting_a_follower_is_quiet_and_leaves_the_job_alone(clara: Clara, endless: str) -> None:
    command = [installed_command(), "logs", "-f", "-j", endless]
    follower = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert follower.stdout is not None
    assert follower.stdout.readline() == "a | begun\n"
    before = sum(os.times()[2:4])
    time.sleep(1)
    follower.send_signal(signal.SIGINT)
    out, err = follower.communicate(timeout=10)
    assert (follower.returncode, out, err) == (130, "", "")
    assert sum(os.times()[2:4]) - before < 0.7, "a follower waits, and does not spin"
    assert "JOB_STATE_RUNNING" in clara("describe", "job", "-j", endless).out
    cancel(clara, endless)


def test_a_follower_sees_a_line_without_end_when_the_job_ends(clara: Clara, endless: str) -> None:
    command = [installed_command(), "logs", "-f", "-j", endless]
    follower = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(0.6)
    cancel(clara, endless)
    assert follower.communicate(timeout=10)[0] == "a | begun\na | half\n"
    assert follower.returncode == 0


def test_a_follower_of_one_log_sees_every_byte_at_once(clara: Clara, endless: str) -> None:
    command = [installed_command(), "logs", "-f", "-j", endless, "-o", "a"]
    follower = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert follower.stdout is not None
    assert os.read(follower.stdout.fileno(), 100) == b"begun\nhalf"
    cancel(clara, endless)
    assert follower.communicate(timeout=10)[0] == b""


def test_a_follower_notices_that_the_runner_is_dead(clara: Clara, endless: str) -> None:
    command = [installed_command(), "logs", "-f", "-j", endless]
    follower = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    os.kill(runner_of(endless), signal.SIGKILL)
    assert follower.wait(20) == 0
    assert "JOB_STATUS_EVICTED" in clara("describe", "job", "-j", endless).out


def test_a_reader_that_has_had_enough_ends_the_follower(clara: Clara, project: Project) -> None:
    project.operator("a", "import time\nfor n in range(100):\n    print(n, flush=True)\n    time.sleep(0.1)")
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    clara("start", "job", "-j", job, "--detach")
    script = f"{installed_command()} logs -f -j {job} | head -2"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == "a | 0\na | 1\n" and done.stderr == ""
    cancel(clara, job)


HOSTILE = r"""
import sys
write = sys.stdout.buffer.write
write(b"\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\n")
write(b"10%\r20%\r30%\n\xff\xfe bytes\n")
write(b"last words")
"""


def test_a_pipe_gets_what_was_written_and_a_terminal_nothing_that_acts(clara: Clara, project: Project) -> None:
    project.operator("a", HOSTILE)
    job, _ = clara.run(project.definition("- name: a\n  container: {image: a}\n", "0.4.0"))
    command = [installed_command(), "logs", "-j", job, "-o", "a"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    assert raw == b"\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\n10%\r20%\r30%\n\xff\xfe bytes\nlast words"
    code, shown = on_terminal("logs", "-j", job, "-o", "a")
    assert code == 0
    assert shown == (
        "\x1b[31mred\x1b[0m \\x1b]0;title\\x07 \\x1b[2J\x1b[0m\r\n30%\r\n\\xff\\xfe bytes\r\nlast words\r\n"
    )
    code, shown = on_terminal("logs", "-j", job)
    assert re.match(r"\x1b\[36ma \| \x1b\[0m", shown), "names are coloured on a terminal"
    assert "\x1b" not in clara("logs", "-j", job).out.replace("\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J", "")


def test_a_progress_bar_is_seen_on_a_terminal_before_its_line_ends(clara: Clara, project: Project) -> None:
    project.operator(
        "a", "import sys, time\nfor n in range(5):\n    print(f'{n}0%', end='\\r', flush=True)\n    time.sleep(0.3)"
    )
    job = clara.job(clara.pipeline(project.definition("- name: a\n  container: {image: a}\n", "0.4.0")))
    clara("start", "job", "-j", job, "--detach")
    seen = []

    def enough(shown: str) -> bool:
        seen.append("JOB_STATE_RUNNING" in clara("describe", "job", "-j", job).out)
        return "10%" in shown

    code, shown = on_terminal("logs", "-f", "-j", job, "-o", "a", interrupt_when=enough)
    assert code == 130 and any(seen)
    assert "Aborted" not in shown and "Error" not in shown
    wait_until(lambda: "JOB_STATE_STOPPED" in clara("describe", "job", "-j", job).out, "the end")
