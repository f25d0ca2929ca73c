"""The crowd drill: many commands at once on one root.

    python tests/drills/crowd.py [SECONDS [CROWD [SEED]]]        60 seconds with 32 at once unless said otherwise

Each member of the crowd calls one command after another: it creates, starts (attached and detached), cancels, waits
for, lists, describes and deletes jobs, its own and those of others. Whatever they do to each other, every answer must
be one that the situation allows, no job may get lost, and each must end in a legal state.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import installed_command, processes_of

PROGRAMS = {"good": "print('ran')\n", "bad": "raise SystemExit(3)\n", "slow": "import time\ntime.sleep(0.5)\n"}
# What a command may say when another one was quicker.
ALLOWED = (
    "no job with id",
    "was started before",
    "has ended already",
    "ended by itself before it could be cancelled",
    "it cannot be deleted",
    "was deleted meanwhile",
    "is about to run job",
    "the payload of job",
    "has not ended after",
    "was cancelled (",
    "operator a failed: exit code 3",
)
LEGAL = {"HEALTHY", "FAULTED", "CANCELED"}


@dataclass
class Report:
    """What a drill came to: calls by command, endings of jobs, and what went wrong, in words."""

    crowd: int
    seed: int
    seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    created: int = 0
    deleted: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        calls = ", ".join(f"{name} {count}" for name, count in sorted(self.calls.items()))
        ended = ", ".join(f"{name} {count}" for name, count in sorted(self.outcomes.items()))
        return "\n".join(
            [
                f"crowd drill: {self.crowd} at once for {self.seconds:.0f} s, seed {self.seed}",
                f"calls: {sum(self.calls.values())} ({calls})",
                f"jobs: {self.created} created, {self.deleted} deleted; the others: {ended}",
                f"faults: {len(self.faults)}",
                *self.faults[:20],
            ]
        )


class Crowd:
    """A root in `folder` and those who use it."""

    def __init__(self, folder: Path, crowd: int, seed: int) -> None:
        self._folder = folder
        self._root = folder / "root"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data").write_text("x" * 1000)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CLARA_", "NVIDIA_"))},
            "HOME": str(folder),
            "CLARA_ROOT": str(self._root),
        }
        self.report = Report(crowd, seed)
        self._mutex = threading.Lock()
        self._known: dict[str, None] = {}
        self._gone: set[str] = set()
        self._pipelines = [self._pipeline(name, text) for name, text in PROGRAMS.items()]

    def _pipeline(self, name: str, program: str) -> str:
        (self._folder / "operators" / name).mkdir(parents=True)
        (self._folder / "operators" / name / "main.py").write_text(program)
        path = self._folder / f"{name}.yaml"
        path.write_text(f"api-version: 0.4.0\nname: {name}\noperators:\n- name: a\n  container: {{image: {name}}}\n")
        return self._call("create", "pipeline", "-p", str(path)).stdout.split()[-1]

    def _call(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [installed_command(), *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        with self._mutex:
            self.report.calls[words[0]] += 1
            errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ") or "locked" in line]
            wrong = [line for line in errors if not any(text in line for text in ALLOWED)]
            if wrong or done.returncode not in (0, 1, 124) or (done.returncode == 1 and not done.stderr + done.stdout):
                self.report.faults.append(f"clara {' '.join(words)}: exit {done.returncode}: {done.stderr}")
        return done

    def run(self, seconds: float) -> Report:
        began = time.monotonic()
        until = began + seconds
        members = [
            threading.Thread(target=self._member, args=(random.Random(f"{self.report.seed} {number}"), until))
            for number in range(self.report.crowd)
        ]
        for member in members:
            member.start()
        for member in members:
            member.join()
        self.report.seconds = time.monotonic() - began
        self._end()
        return self.report

    def _member(self, choice: random.Random, until: float) -> None:
        while time.monotonic() < until:
            self._step(choice)

    def _step(self, choice: random.Random) -> None:
        with self._mutex:
            jobs = list(self._known)
        kind = choice.choices(
            ["create", "start", "several", "cancel", "wait", "list", "describe", "delete"], [6, 5, 1, 3, 1, 2, 2, 2]
        )[0]
        if kind == "create" or not jobs:
            self._create(choice)
        elif kind == "start":
            self._call("start", "job", choice.choice(jobs), *(["--detach"] if choice.random() < 0.6 else []))
        elif kind == "several":
            self._call("start", "jobs", *choice.sample(jobs, min(3, len(jobs))))
        elif kind == "cancel":
            self._call("cancel", "job", choice.choice(jobs[-20:]))
        elif kind == "wait":
            self._call("wait", "job", choice.choice(jobs), "--timeout", "0.5")
        elif kind == "list":
            self._call("list", "jobs")
        elif kind == "describe":
            self._call("describe", "job", choice.choice(jobs))
        else:
            self._delete(choice.choice(jobs))

    def _create(self, choice: random.Random) -> None:
        words = ["create", "job", "-n", "crowd", "-p", choice.choice(self._pipelines), "-f", str(self._folder / "data")]
        words += ["-i", choice.choice(["low", "normal", "high", "immediate"])]
        done = self._call(*words, *choice.choice([[], [], ["-s"], ["-s", "--detach"]]))
        with self._mutex:
            if done.stdout.startswith("JOB_ID: "):
                self._known[done.stdout.splitlines()[0].removeprefix("JOB_ID: ")] = None
                self.report.created += 1
            else:
                self.report.faults.append(f"no job was made: {done.stderr}")

    def _delete(self, job: str) -> None:
        if self._call("delete", "job", job).returncode == 0:
            with self._mutex:
                self._known.pop(job, None)
                self._gone.add(job)
                self.report.deleted += 1

    def _end(self) -> None:
        """Wait for what still runs, then count."""
        faults = self.report.faults
        rows = self._query("SELECT id, submitted FROM jobs WHERE state != 'STOPPED'")
        started = [job for job, submitted in rows if submitted is not None]
        if started:
            self._call("wait", "jobs", *started, "--timeout", "120")
        rows = self._query("SELECT id, payload_id, state, status, submitted FROM jobs")
        present = {row[0] for row in rows}
        faults += [f"job {job} is lost" for job in self._known if job not in present]
        faults += [f"job {job} is back" for job in self._gone if job in present]
        for job, _, state, status, submitted in rows:
            self.report.outcomes[f"{state} {status}"] += 1
            ended = state == "STOPPED" and status in LEGAL
            if not ended and (state, status, submitted) != ("PENDING", "HEALTHY", None):
                faults.append(f"job {job} is {state} {status}")
            if processes_of(job):
                faults.append(f"job {job} has processes")
        self._call("list", "jobs")
        payloads = {row[1] for row in rows}
        found = set(os.listdir(self._root / "payloads"))
        faults += [f"payload {name} belongs to no job" for name in found - payloads]
        faults += [f"payload {name} is missing" for name in payloads - found]
        faults += [f"{name} among the jobs" for name in set(os.listdir(self._root / "jobs")) - present]
        faults += [f"job {row[0]} holds something" for row in self._query("SELECT job_id FROM claims")]
        if self._query("PRAGMA integrity_check") != [("ok",)]:
            faults.append("the database is damaged")

    def _query(self, query: str) -> list[tuple[str, ...]]:
        connection = sqlite3.connect(self._root / "clara.db", timeout=60)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


def crowd_drill(folder: Path, seconds: float, crowd: int, seed: int) -> Report:
    """Run a drill in an empty folder."""
    return Crowd(folder, crowd, seed).run(seconds)


if __name__ == "__main__":
    duration = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 32
    start = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    with tempfile.TemporaryDirectory(prefix="clara-drill-") as place:
        result = crowd_drill(Path(place) / "drill", duration, size, start)
    sys.stdout.write(f"{result}\n")
    sys.exit(1 if result.faults else 0)
