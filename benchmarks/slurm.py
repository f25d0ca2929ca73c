"""What jobs on Slurm cost over plain `sbatch --wrap` of the same programs: two nodes of one core on this machine."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from cpu import Meter, metered
from rich.table import Table
from timing import Spread, interleaved, ratio
from workspace import OPERATORS, Workspace, operator

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.ids import new_id
from clara_cli.jobs import intake, journal, placed, store
from clara_cli.jobs.clock import Clock
from clara_cli.jobs.model import Job
from clara_cli.jobs.states import JobEvent, JobPriority, JobState, JobStatus, OperatorEvent
from clara_cli.root import choose_root
from clara_cli.runtime.environment import passed_on
from clara_cli.runtime.plan import JobResult

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from slurm_cluster import Cluster, why_not

TARGET = 1.1
# Passes of each of a job's two programs: most of a second of work each, and none.
WORK, NOTHING = 250, 0
SIDE = 96
# From so many jobs on a case is measured once.
MANY = 100


@dataclass(frozen=True)
class Run:
    """Seconds from the first call until Slurm's queue is empty, and of these until all is submitted.

    Attributes:
        calls: requests that Slurm's controller got until then.
        cpu: CPU seconds of everything: commands, Slurm, jobs.
    """

    time: float
    submitted: float
    calls: float
    cpu: float


def measure(runs: int) -> list[Table]:
    """Jobs of two programs that read and write files, some that work and some that do nothing."""
    reason = why_not()
    if reason is not None:
        return [Table(title=f"slurm: not measured: {reason}")]
    with metered() as meter, _cluster() as cluster:
        return [_jobs(cluster, meter, runs), _journal(runs)]


def _jobs(cluster: Cluster, meter: Meter, runs: int) -> Table:
    title = "slurm: two programs a job, s from submit to empty queue, median (least - greatest)"
    table = Table(title=f"{title}; target {TARGET}")
    table.add_column("jobs")
    table.add_column("way")
    for column in ("time", "times sbatch", "CPU s", "times sbatch", "CPU ms added a job", "ms a job to submit"):
        table.add_column(column, justify="right")
    table.add_column("calls of Slurm a job", justify="right")
    for count, passes, what in ((20, WORK, "that work"), (20, NOTHING, "that do nothing"), (200, WORK, "that work")):
        cases = {
            "sbatch --wrap": partial(_plain, cluster, meter, count, passes),
            "clara start jobs --detach": partial(_ours, cluster, meter, count, passes),
        }
        once = count >= MANY
        results = {name: [case()] for name, case in cases.items()} if once else interleaved(cases, min(runs, 5))
        plain = results["sbatch --wrap"]
        for name, series in results.items():
            times, cpu = [run.time for run in series], [run.cpu for run in series]
            cpu_before = [run.cpu for run in plain]
            added = (Spread.of(cpu).median - Spread.of(cpu_before).median) / count
            table.add_row(
                f"{count} {what}",
                name,
                _seconds(Spread.of(times)),
                f"{ratio(times, [run.time for run in plain]):.2f}",
                f"{Spread.of(cpu).median:.2f}",
                f"{ratio(cpu, cpu_before):.2f}",
                f"{added * 1e3:.0f}",
                f"{Spread.of(run.submitted for run in series).median / count * 1e3:.1f}",
                f"{Spread.of(run.calls for run in series).median / count:.2f}",
            )
    return table


def _seconds(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.least:.2f} - {spread.greatest:.2f})"


@contextmanager
def _cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="clara-slurm-") as folder:
        cluster = Cluster(Path(folder), cpus=(1, 1))
        try:
            cluster.begin()
            yield cluster
        finally:
            cluster.end()


def _volume(folder: Path) -> Path:
    source = folder / "source"
    source.mkdir()
    np.save(source / "volume.npy", np.random.default_rng(1).random((SIDE,) * 3, np.float32))
    return source


def _calls(cluster: Cluster) -> int:
    """Requests that the controller has had from commands."""
    said = cluster.run("sdiag")
    text = said.split("Remote Procedure Call statistics by message type")[1].split("statistics by user")[0]
    wanted = ("SUBMIT_BATCH", "JOB_INFO", "PARTITION_INFO", "NODE_INFO", "KILL_JOB")
    lines = [line for line in text.splitlines() if any(word in line for word in wanted)]
    return sum(int(line.split("count:")[1].split()[0]) for line in lines)


def _until_empty(cluster: Cluster) -> None:
    while cluster.run("squeue", "-h", "-o", "%i"):
        time.sleep(0.2)


def _plain(cluster: Cluster, meter: Meter, count: int, passes: int) -> Run:
    """A shell script that runs the same files with the same interpreter, submitted job by job."""
    with Workspace() as space:
        source = _volume(space.folder)
        program = shlex.join([sys.executable, "-u", str(OPERATORS / "smooth" / "main.py")])
        cluster.run("sdiag", "-r")
        spent, began = meter.seconds(), time.perf_counter()
        for number in range(count):
            folders = [source, space.folder / f"{number}-1", space.folder / f"{number}-2"]
            steps = [
                f"mkdir {target} && NVIDIA_CLARA_INPUTPATHS=:{read} NVIDIA_CLARA_OUTPUTPATHS=:{target} {program}"
                for read, target in pairwise(folders)
            ]
            environment = {**passed_on(), **cluster.environment, "BENCHMARK_PASSES": str(passes)}
            words = ["sbatch", "--parsable", "--output=/dev/null", "--cpus-per-task=1", f"--wrap={' && '.join(steps)}"]
            subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)
        submitted = time.perf_counter() - began
        calls = _calls(cluster)
        _until_empty(cluster)
        ended = time.perf_counter() - began
        left = len(list(space.folder.glob("*-2/volume.npy")))
        assert left == count, f"{left} of {count} jobs left their volume"
        return Run(ended, submitted, calls, meter.seconds() - spent)


def _ours(cluster: Cluster, meter: Meter, count: int, passes: int) -> Run:
    with Workspace() as space:
        source = _volume(space.folder)
        space.environment |= {**cluster.environment, "CLARA_ENGINE": "slurm"}
        variables = {"BENCHMARK_PASSES": str(passes)}
        pipeline = space.pipeline(
            [
                operator(
                    f"smooth-{number}",
                    "smooth",
                    [read],
                    [{"path": "/output", "name": "out", "type": "stream", "element-type": "npy"}],
                    variables,
                )
                for number, read in (
                    (1, {"path": "/input", "type": "stream", "element-type": "npy"}),
                    (2, {"from": "smooth-1", "name": "out", "path": "/input", "type": "stream", "element-type": "npy"}),
                )
            ]
        )
        for number in range(count):
            space.clara("create", "jobs", "-n", f"job-{number}", "-p", pipeline, "-f", str(source))
        jobs = space.clara("list", "jobs", "-q").split()
        cluster.run("sdiag", "-r")
        spent, began = meter.seconds(), time.perf_counter()
        space.clara("start", "jobs", *jobs, "--detach")
        submitted = time.perf_counter() - began
        calls = _calls(cluster)
        _until_empty(cluster)
        ended = time.perf_counter() - began
        run = Run(ended, submitted, calls, meter.seconds() - spent)
        space.clara("wait", "jobs", *jobs)
        return run


def _journal(runs: int) -> Table:
    """What a line of a journal costs until it is in the records, against writing it there at once."""
    results = interleaved({"journal": _through_journal, "database": _at_once}, runs)
    table = Table(title="slurm: ms for the 8 events of a job of 3 operators, median (least - greatest)")
    for column in ("way", "time"):
        table.add_column(column, justify="left" if column == "way" else "right")
    table.add_row("journal: written on the node", Spread.of(run[0] for run in results["journal"]).milliseconds())
    table.add_row("journal: taken in", Spread.of(run[1] for run in results["journal"]).milliseconds())
    table.add_row(
        "database at once, as on one machine", Spread.of(run[0] for run in results["database"]).milliseconds()
    )
    return table


_NAMES = ("a", "b", "c")


def _new_job(database: Database) -> str:
    job = Job(
        *(new_id(), new_id(), new_id(), "job", JobState.PENDING, JobStatus.HEALTHY, JobPriority.NORMAL),
        *(time.time(), None, None, None, "", "{}"),
    )
    with database.write() as connection:
        store.insert_job(connection, job, [(name, "image:1") for name in _NAMES])
        store.submit_job(connection, job.id)
    (database.root.jobs / job.id).mkdir()
    return job.id


def _through_journal() -> tuple[float, float]:
    with Workspace() as space, Database(choose_root(Config(root=space.root))) as database:
        job = _new_job(database)
        with database.write() as connection:
            placed.enter(connection, [job])
        folder = database.root.jobs / job
        began = time.perf_counter()
        journal.open_journal(folder)
        writer = journal.Journal(folder, Clock())
        writer.write(journal.BEGAN, remote="1", node="n", pid=1, mounted={})
        recorder = journal.Recorder(writer)
        for name in _NAMES:
            recorder.operator_began(name)
            recorder.operator_ended(name, True, 0)
        writer.end(JobResult(), signalled=False)
        written = time.perf_counter()
        with database.read() as connection:
            item = placed.find(connection, job)
        assert item is not None
        intake.take_in(database, item)
        taken = time.perf_counter()
        with database.read() as connection:
            assert store.get_job(connection, job).succeeded
        return written - began, taken - written


def _at_once() -> tuple[float, float]:
    with Workspace() as space, Database(choose_root(Config(root=space.root))) as database:
        job = _new_job(database)
        began = time.perf_counter()
        with database.write() as connection:
            store.change_job(connection, job, JobEvent.RUN)
        for name in _NAMES:
            for event in (OperatorEvent.BEGIN, OperatorEvent.COMPLETE):
                with database.write() as connection:
                    store.change_operator(connection, job, name, event)
        with database.write() as connection:
            store.change_job(connection, job, JobEvent.SUCCEED)
        return time.perf_counter() - began, 0.0
