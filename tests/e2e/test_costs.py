"""What commands cost in things that can be counted, whatever the machine does meanwhile.

Statements and transactions of SQLite, waits for the disk (fsync, fdatasync) and processes started. An upper limit that
is passed says that every call has become slower: raise it only for something that is worth it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from support import Clara, Project, installed_command

# Runs a command as the installed program does, with each connection's statements written to a file.
WATCHED = """
import os, sqlite3, sys
log = os.open(os.environ["STATEMENTS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
connect = sqlite3.connect
def watched(*words, **more):
    connection = connect(*words, **more)
    os.write(log, b"CONNECT\\n")
    connection.set_trace_callback(lambda text: os.write(log, " ".join(text.split())[:80].encode() + b"\\n"))
    return connection
sqlite3.connect = watched
from clara_cli.entry import main
sys.argv[0] = "clara"
main()
"""


class Cost(NamedTuple):
    connections: int
    statements: int
    transactions: int
    waits: int
    programs: int


class Counted(NamedTuple):
    out: str
    cost: Cost


def counted(*words: str) -> Counted:
    """Run a command; programs are those that it started."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    folder = Path(os.environ["HOME"])
    statements, calls = folder / "statements", folder / "calls"
    statements.write_text("")
    done = subprocess.run(
        [strace, "-f", "-qq", "-o", calls, "-e", "trace=fsync,fdatasync,execve", sys.executable, "-c", WATCHED, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "STATEMENTS": str(statements)},
    )
    if done.returncode and "PTRACE" in done.stderr:
        pytest.skip("processes cannot be traced here")
    assert done.returncode == 0, done.stderr
    # A trigger's statement repeats the one that set it off.
    lines = statements.read_text().splitlines()
    traced = calls.read_text()
    return Counted(
        done.stdout,
        Cost(
            lines.count("CONNECT"),
            len(lines) - lines.count("CONNECT"),
            sum(line.startswith("BEGIN") for line in lines),
            len(re.findall(r"^\d+ +f(?:data)?sync\(", traced, re.MULTILINE)),
            len(re.findall(r"execve.*\) += 0$", traced, re.MULTILINE)) - 1,
        ),
    )


@pytest.fixture
def chain(project: Project) -> Path:
    """A definition of three operators."""
    operators = []
    for count in range(3):
        project.operator(f"step-{count}", "")
        source = f"\n  input: [{{from: step-{count - 1}, path: /input}}]" if count else ""
        operators.append(
            f"- name: step-{count}\n  container: {{image: step-{count}, tag: latest}}\n"
            f"  output: [{{path: /output}}]{source}"
        )
    return project.definition("\n".join(operators), version="0.4.0")


def last_word(text: str) -> str:
    return text.splitlines()[0].split()[-1]


def test_what_each_command_of_a_session_costs(chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARA_MOUNTS", "off")
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "file").write_text("content")
    first = counted("list", "jobs").cost  # makes the database, and waits for the disk for it
    assert first.connections == 1 and first.waits > 0
    counted("create", "pipelines", "-p", str(chain))

    made = counted("create", "pipelines", "-p", str(chain))
    assert_at_most(made.cost, Cost(1, 7, 1, 0, 0))
    pipeline = last_word(made.out)
    created = counted("create", "jobs", "-n", "job", "-p", pipeline, "-f", str(tmp_path / "input"))
    assert_at_most(created.cost, Cost(1, 20, 1, 0, 0))
    job = last_word(created.out)
    # One program for each operator, and nothing beside.
    assert_at_most(counted("start", "job", "-j", job).cost, Cost(1, 120, 17, 0, 3))
    assert_at_most(counted("list", "jobs").cost, Cost(1, 7, 0, 0, 0))
    assert_at_most(counted("list", "pipelines").cost, Cost(1, 4, 0, 0, 0))
    assert_at_most(counted("describe", "job", "-j", job).cost, Cost(1, 12, 0, 0, 0))
    assert_at_most(counted("logs", "-j", job).cost, Cost(1, 15, 0, 0, 0))
    assert_at_most(counted("download", f"{job}:/*", str(tmp_path / "out")).cost, Cost(1, 17, 0, 0, 0))
    assert (tmp_path / "out" / "input" / "file").read_text() == "content"


def assert_at_most(cost: Cost, most: Cost) -> None:
    assert all(have <= limit for have, limit in zip(cost, most, strict=True)), f"{cost} instead of {most}"


def test_the_disk_is_waited_for_once_in_many_commands(chain: Path) -> None:
    counted("list", "jobs")
    waits = [counted("create", "pipelines", "-p", str(chain)).cost.waits for _ in range(6)]
    assert sum(waits) <= 2


def test_the_log_of_the_database_is_emptied_when_it_is_long(chain: Path, tmp_path: Path) -> None:
    log = tmp_path / "root" / "clara.db-wal"
    chain.write_text(chain.read_text() + "# " + "a comment that is kept with the definition " * 40_000 + "\n")
    counted("create", "pipelines", "-p", str(chain))
    assert not log.exists()
    assert len(counted("list", "pipelines", "-q").out.split()) == 1


# A process of its own, because a child counts the memory of who started it as its own peak.
LAUNCHER = """
import os, sys
null = os.open(os.devnull, os.O_WRONLY)
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
    file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)]), 0)
print(usage.ru_maxrss // 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_memory_does_not_grow_with_what_is_moved(chain: Path, tmp_path: Path, clara: Clara) -> None:
    volume = tmp_path / "volume"
    with volume.open("wb") as file:
        for _ in range(200):
            file.write(b"x" * (1 << 20))
    job, _ = clara.run(chain, volume)
    log = tmp_path / "root" / "jobs" / job / "logs" / "step-0.log"
    shutil.copyfile(volume, log)  # one line
    for words in (
        ("create", "payload", "-f", str(volume)),
        ("download", f"{job}:/*", str(tmp_path / "out")),
        ("logs", "-j", job),
        ("logs", "-j", job, "-f"),
        ("logs", "-j", job, "-o", "step-0"),
        ("logs", "-j", job, "--tail", "1"),
    ):
        program = [sys.executable, "-S", "-c", LAUNCHER, installed_command(), *words]
        done = subprocess.run(program, capture_output=True, text=True, check=True)
        assert int(done.stdout) < 80, f"{words[0]}: {done.stdout.strip()} MiB"
