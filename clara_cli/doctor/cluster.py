"""Whether Slurm can be asked, and nodes can see the root; only where jobs are configured to run there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clara_cli.config import Config
from clara_cli.doctor.filesystem import file_system
from clara_cli.doctor.finding import Finding, Level
from clara_cli.errors import RuntimeFailure
from clara_cli.slurm.command import ask
from clara_cli.slurm_options import NO_OPTIONS

_PATIENCE = 15.0


def check_cluster(config: Config, root: Path) -> Iterator[Finding]:
    """Ask Slurm for its nodes, and look where the root is."""
    if config.engine != "slurm":
        return
    partition = (config.slurm or NO_OPTIONS).partition
    words = ["sinfo", "--noheader", "--Node", "--format=%N|%T", *([f"--partition={partition}"] if partition else [])]
    where = f"partition {partition}" if partition else "all partitions"
    try:
        lines = [line.split("|") for line in ask(words, seconds=_PATIENCE).splitlines() if "|" in line]
    except RuntimeFailure as error:
        yield Finding("slurm", Level.ERROR, error.message, error.hint or "clara config set engine local")
        return
    nodes = dict(line[:2] for line in lines)
    usable = [name for name, state in nodes.items() if state.startswith(("idle", "mix", "alloc", "comp", "resv"))]
    if usable:
        yield Finding("slurm", Level.OK, f"{len(usable)} of {len(nodes)} nodes can be used ({where})")
    else:
        text = f"no node can be used ({where}): {', '.join(sorted(set(nodes.values()))) or 'there is none'}"
        yield Finding("slurm", Level.ERROR, text, "sinfo says more; clara config set slurm.partition NAME")
    try:
        disk = file_system(root if root.exists() else root.parent)
    except OSError:
        return
    if not disk.is_network:
        text = f"the root {root} is on {disk.kind}, which looks local: nodes must see it under the same path"
        yield Finding("shared root", Level.NOTE, text, "clara config set root FOLDER, on a file system of all nodes")
