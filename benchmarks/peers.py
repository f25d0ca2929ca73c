"""The same three steps as people would run them with what they know: doit, Luigi, Pydra, Nipype, cwltool, Snakemake.

Each in the way that its own documentation teaches; their definitions lie in `peers/`. `install_peers.py` installs them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from process_tree import peak
from rich.table import Table
from timing import Spread, interleaved, ratio, timed
from workspace import CLARA, Workspace, array, operator

HERE = Path(__file__).resolve().parent / "peers"
ENVIRONMENTS = HERE / "environments"
BYTES = 400 << 20
MEMORY_RUNS = 3
BASELINE = "clara start job"
# What the three steps are, by the names of the files in `peers/`.
WORK = {
    "true": "three times `true`",
    "python": "three steps of Python that do nothing",
    "array": f"an array of {BYTES >> 20} MiB made, added to, summed up",
}


class Peer(NamedTuple):
    """A program to compare with.

    Attributes:
        folder: of its definitions and of its environment.
        command: how it is called, WORK and HERE in it filled in; in a fresh folder.
    """

    folder: str
    requirement: str
    command: tuple[str, ...]


PEERS = {
    "doit": Peer("doit", "doit==0.37.0", ("doit", "-f", "HERE/steps_WORK.py", "-d", ".", "--db-file", "doit.db")),
    "Luigi": Peer("luigi", "luigi==3.8.1", ("luigi", "--module", "steps_WORK", "--local-scheduler", "Three")),
    "Pydra": Peer("pydra", "pydra==0.25", ("python", "HERE/steps_WORK.py")),
    "Nipype": Peer("nipype", "nipype==1.11.0", ("python", "HERE/steps_WORK.py")),
    "cwltool": Peer(
        "cwltool",
        "cwltool==3.3.20260925135507",
        ("cwltool", "--quiet", "--preserve-environment", "PEERS_BYTES", "HERE/WORK.cwl"),
    ),
    "Snakemake": Peer(
        "snakemake", "snakemake==9.27.1", ("snakemake", "--quiet", "all", "--cores", "2", "-s", "HERE/WORK.smk")
    ),
}
Measure = Callable[[Sequence[str], Mapping[str, str], Path], float]


def measure(runs: int) -> list[Table]:
    """A table for each kind of work: time, then the memory in runs of its own, because looking at it takes time."""
    return [_table(work, runs) for work in WORK]


def _table(work: str, runs: int) -> Table:
    cases: dict[str, Callable[[Measure], float]] = {
        BASELINE: partial(_clara, work, True),
        "clara run": partial(_clara, work, False),
    }
    cases |= {name: partial(_peer, peer, work) for name, peer in PEERS.items() if _installed(peer)}
    times = interleaved({name: partial(case, timed) for name, case in cases.items()}, runs)
    memory = interleaved({name: partial(case, peak) for name, case in cases.items()}, min(runs, MEMORY_RUNS))
    table = Table(title=f"peers: {WORK[work]}; whole processes, median (least - greatest)")
    for title in ("what", "time, ms", f"times {BASELINE}", "peak of all processes (PSS), MiB"):
        table.add_column(title, justify="left" if title == "what" else "right")
    for name, series in times.items():
        row = (Spread.of(series).milliseconds(), f"{ratio(series, times[BASELINE]):.2f}")
        table.add_row(_labelled(name), *row, Spread.of(memory[name]).mebibytes())
    for name, peer in PEERS.items():
        if name not in cases:
            table.add_row(peer.requirement, "not installed: python benchmarks/install_peers.py", "", "")
    return table


def _installed(peer: Peer) -> bool:
    done = ENVIRONMENTS / peer.folder / "installed"
    return done.exists() and done.read_text() == peer.requirement


def _labelled(name: str) -> str:
    return name if name not in PEERS else f"{name} {PEERS[name].requirement.partition('==')[2]}"


def _peer(peer: Peer, work: str, run: Measure) -> float:
    here = HERE / peer.folder
    command = [word.replace("WORK", work).replace("HERE", str(here)) for word in peer.command]
    if peer.folder == "cwltool" and work == "array":
        command += ["--programs", str(HERE / "programs")]
    binaries = ENVIRONMENTS / peer.folder / "bin"
    with tempfile.TemporaryDirectory(prefix="clara-benchmark-") as folder:
        environment = {
            **os.environ,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "HOME": folder,
            "PYTHONPATH": str(here) if peer.folder == "luigi" else "",
            "PEERS_PROGRAMS": str(HERE / "programs"),
            "PEERS_BYTES": str(BYTES),
        }
        return run([str(binaries / command[0]), *command[1:]], environment, Path(folder))


def _clara(work: str, created: bool, run: Measure) -> float:
    """A job that was created before, or the definition once more; neither is the first of its root."""
    with Workspace() as space:
        environment = {**space.environment, "CLARA_OPERATOR_PATH": str(HERE / "clara")}
        pipeline = space.pipeline(_operators(work))
        if created:
            start = [str(CLARA), "start", "job", "-j"]
            subprocess.run([*start, space.job(pipeline)], env=environment, check=True, capture_output=True)
            return run([*start, space.job(pipeline)], environment, space.folder)
        definition = str(space.folder / "pipeline.yaml")
        subprocess.run([CLARA, "run", definition], env=environment, check=True, capture_output=True)
        return run([str(CLARA), "run", definition], environment, space.folder)


def _operators(work: str) -> list[dict[str, Any]]:
    if work == "array":
        size = {"PEERS_BYTES": str(BYTES)}
        return [
            operator("make", "make", [], [array("volume", -1)], size),
            operator("add", "add", [{"from": "make", **array("volume", -1)}], [array("sum", -1)]),
            operator("total", "total", [{"from": "add", **array("sum", -1)}], []),
        ]
    steps = []
    for count in range(1, 4):
        source = {"from": f"step-{count - 1}", "name": "files"} if count > 1 else {}
        step = operator(
            f"step-{count}",
            "nothing" if work == "python" else "busybox",
            [{**source, "path": "/input", "type": "stream", "element-type": "x"}],
            [{"path": "/output", "name": "files", "type": "stream", "element-type": "x"}],
        )
        if work == "true":
            step["container"]["command"] = ["true"]
        steps.append(step)
    return steps


if __name__ == "__main__":
    sys.exit("run: python benchmarks/run.py peers")
