"""The kill drill: SIGKILL at a random moment to a random process of a running job, then a look for what is left.

    python tests/drills/kill.py [ROUNDS [SEED]]        200 rounds unless said otherwise

Each round runs a job with a FastIO variable, an operator that waits for it and a grandchild in a session of its own,
attached or detached, and kills the command, the runner, an operator or the grandchild. Afterwards another job must
run, and nothing of the first may be left: no process, no shared memory, no socket, no lock, no temporary file.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import holders, installed_command, processes_of

from clara_cli.errors import RuntimeFailure
from clara_cli.fastio.observe import observe
from clara_cli.jobs.lock import is_held
from clara_cli.runtime.job_socket import socket_name

PRODUCER = """
import os, subprocess, time, clara
def execute(driver, payload):
    entry = payload.fastio_output_entries['data']
    entry.update_shape([1 << 16])
    entry.array[:] = 1
    subprocess.Popen(['sleep', '600'], start_new_session=True)
    time.sleep(0.4)
driver = clara.Driver(prepare_handler=lambda driver: None, execute_handler=execute)
driver.start()
driver.wait_for_completion()
"""
CONSUMER = """
import time, clara
def execute(driver, payload):
    assert payload.fastio_input_entries['data'].array.sum() == 1 << 16
    time.sleep(0.2)
driver = clara.Driver(prepare_handler=lambda driver: None, execute_handler=execute)
driver.start()
driver.wait_for_completion()
"""
DEFINITION = """
api-version: 0.5.0
name: kill-drill
operators:
- name: producer
  container: {image: producer}
  input:
  - {name: raw, type: stream, element-type: file, path: /input}
  output:
  - {name: data, type: array, element-type: u8, shape: [-1]}
  - {name: files, type: stream, element-type: file, path: /out}
- name: consumer
  container: {image: consumer}
  input:
  - {from: producer, name: data, type: array, element-type: u8, shape: [-1]}
"""
QUICK = "api-version: 0.4.0\nname: next\noperators:\n- name: a\n  container: {image: quick}\n"
LONGEST = 1.5
PATIENCE = 30.0


@dataclass
class Report:
    """What a drill came to.

    Attributes:
        victims: how often which kind of process was killed.
        outcomes: how the killed jobs ended.
        leftovers: what was found that should not be, in words.
    """

    rounds: int = 0
    seed: int = 0
    seconds: float = 0.0
    victims: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    leftovers: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counted = [f"{name} {count}" for name, count in sorted(self.victims.items())]
        ended = [f"{name} {count}" for name, count in sorted(self.outcomes.items())]
        return "\n".join(
            [
                f"kill drill: {self.rounds} rounds in {self.seconds:.0f} s, seed {self.seed}",
                f"killed: {', '.join(counted)}",
                f"jobs ended: {', '.join(ended)}",
                f"leftovers: {len(self.leftovers)}",
                *self.leftovers,
            ]
        )


class Drill:
    """A root and a home in `folder`, and the jobs of one drill."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._root = folder / "root"
        self._temporary = folder / "tmp"
        self._home = folder / "home"
        for path in (self._temporary, self._home):
            path.mkdir(parents=True)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CLARA_", "NVIDIA_"))},
            "HOME": str(self._home),
            "TMPDIR": str(self._temporary),
            "CLARA_ROOT": str(self._root),
        }
        self._choice = random.Random(seed)
        self.report = Report(seed=seed)
        self._reported: set[tuple[str, str]] = set()
        for name, text in (("producer", PRODUCER), ("consumer", CONSUMER), ("quick", "print('ran')\n")):
            (folder / "operators" / name).mkdir(parents=True)
            (folder / "operators" / name / "main.py").write_text(text)
        (folder / "data").mkdir()
        for count in range(20):
            (folder / "data" / f"file {count}").write_bytes(b"x" * 10_000)
        self._pipelines = [self._pipeline(name, text) for name, text in (("kill", DEFINITION), ("next", QUICK))]
        self._root_names = {".mounts"} | {path.name for path in self._root.iterdir()}

    def _pipeline(self, name: str, text: str) -> str:
        path = self._folder / f"{name}.yaml"
        path.write_text(text)
        done = self._clara("create", "pipeline", "-p", str(path))
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[-1]

    def _clara(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [installed_command(), *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def run(self, rounds: int) -> Report:
        began = time.monotonic()
        for _ in range(rounds):
            self._round()
            self.report.rounds += 1
        self._check_database()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _round(self) -> None:
        words = ["create", "job", "-n", "victim", "-p", self._pipelines[0], "-f", str(self._folder / "data"), "-s"]
        if self._choice.random() < 0.5:
            words.append("--detach")
        moment = time.monotonic() + self._choice.uniform(0, LONGEST)
        before = set(self._jobs())
        command = subprocess.Popen(
            [installed_command(), *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        inodes: set[int] = set()
        while time.monotonic() < moment:
            time.sleep(0.01)
            for job in set(self._jobs()) - before:
                with suppress(RuntimeFailure):
                    inodes |= {item.inode for item in observe(socket_name(job))}
        jobs = sorted(set(self._jobs()) - before)
        self._kill(command, jobs)
        # A command whose job was not accepted yet goes on, or was the victim.
        command.wait(timeout=120)
        for job in sorted(set(self._jobs()) - before):
            self._settle(job, inodes)
        done = self._clara("create", "job", "-n", "next", "-p", self._pipelines[1], "-s")
        if done.returncode != 0:
            self._left(f"the next job did not run: exit {done.returncode}\n{done.stderr}")
        self._check_files()

    def _kill(self, command: subprocess.Popen[bytes], jobs: list[str]) -> None:
        """End one process of those there are, each kind with the same chance."""
        kinds: dict[str, list[int]] = {}
        if command.poll() is None:
            kinds["command"] = [command.pid]
        for job in jobs:
            for pid in processes_of(job):
                kinds.setdefault(_kind(pid), []).append(pid)
            detached = _detached_runner(job)
            if detached is not None:
                kinds["detached runner"] = [detached]
        if not kinds:
            self.report.victims["nobody (over before)"] += 1
            return
        kind = self._choice.choice(sorted(kinds))
        self.report.victims[kind] += 1
        with suppress(ProcessLookupError):
            os.kill(self._choice.choice(sorted(kinds[kind])), signal.SIGKILL)

    def _settle(self, job: str, inodes: set[int]) -> None:
        """Look at the job as a user would, then for what is left of it."""
        waited = self._clara("wait", "job", job, "--timeout", "0" if self._not_started(job) else str(PATIENCE))
        state, status = self._query("SELECT state, status FROM jobs WHERE id = ?", job)[0]
        self.report.outcomes[f"{state} {status}" if state == "STOPPED" else "not started"] += 1
        if state != "STOPPED" and not self._not_started(job):
            self._left(f"job {job} is {state} {status} after {PATIENCE} s: {waited.stderr}")
        if (state, status) not in _LEGAL:
            self._left(f"job {job} is {state} {status}")
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and (processes_of(job) or _detached_runner(job)):
            time.sleep(0.01)
        for pid in processes_of(job):
            self._left(f"job {job}: process {pid} ({_kind(pid)})")
        if _detached_runner(job):
            self._left(f"job {job}: its runner lives")
        for pid in holders(inodes):
            self._left(f"job {job}: process {pid} holds shared memory")
        if is_held(self._root / "jobs" / job):
            self._left(f"job {job}: its lock is held")
        if job in Path("/proc/net/unix").read_text():
            self._left(f"job {job}: a socket of it is open")
        operators = self._query("SELECT count(*) FROM operators WHERE job_id = ? AND status = 'RUNNING'", job)
        if operators[0][0]:
            self._left(f"job {job}: an operator is RUNNING")

    def _check_files(self) -> None:
        self._left_if({path.name for path in self._root.iterdir()} - self._root_names, "in the root")
        self._left_if(os.listdir(self._temporary), "among the temporary files")
        self._left_if([path.name for path in self._home.glob(".clara/crash-*")], "as a crash report")
        payloads = {row[0] for row in self._query("SELECT payload_id FROM jobs")}
        self._left_if(set(os.listdir(self._root / "payloads")) - payloads, "among the payloads")
        self._left_if(payloads - set(os.listdir(self._root / "payloads")), "missing among the payloads")
        self._left_if(set(os.listdir(self._root / "jobs")) - set(self._jobs()), "among the jobs")
        self._left_if([row[0] for row in self._query("SELECT job_id FROM claims")], "as a claim")

    def _check_database(self) -> None:
        ((answer,),) = self._query("PRAGMA integrity_check")
        if answer != "ok":
            self._left(f"the database: {answer}")

    def _left_if(self, names: object, where: str) -> None:
        for name in names:  # type: ignore[attr-defined]
            # What stays is reported once.
            if (where, name) not in self._reported:
                self._reported.add((where, name))
                self._left(f"{name} {where}")

    def _left(self, what: str) -> None:
        self.report.leftovers.append(f"round {self.report.rounds + 1}: {what}")

    def _jobs(self) -> list[str]:
        return [row[0] for row in self._query("SELECT id FROM jobs WHERE name = 'victim' OR state = 'STOPPED'")]

    def _not_started(self, job: str) -> bool:
        return self._query("SELECT submitted FROM jobs WHERE id = ?", job)[0][0] is None

    def _query(self, query: str, *values: str) -> list[tuple[str, ...]]:
        connection = sqlite3.connect(self._root / "clara.db", timeout=60)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


_LEGAL = {
    ("PENDING", "HEALTHY"),
    *(("STOPPED", status) for status in ("HEALTHY", "FAULTED", "CANCELED", "EVICTED")),
}


def _kind(pid: int) -> str:
    try:
        if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return "grandchild"
        stage = b"STAGENAME=consumer" in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return "producer"
    return "consumer" if stage else "producer"


def _detached_runner(job: str) -> int | None:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if b"clara_cli.jobs.detached" in words and job.encode() in words:
                    return int(entry.name)
    return None


def kill_drill(folder: Path, rounds: int, seed: int) -> Report:
    """Run a drill in an empty folder."""
    return Drill(folder, seed).run(rounds)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    start = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    with tempfile.TemporaryDirectory(prefix="clara-drill-") as place:
        done = kill_drill(Path(place) / "drill", count, start)
    sys.stdout.write(f"{done}\n")
    sys.exit(1 if done.leftovers else 0)
