"""`python benchmarks/run.py [NAME ...] [--runs N]`: measure, and print a table for each benchmark."""

from __future__ import annotations

import argparse
import subprocess
import sys

import console
import definitions
import handover
import machine
import many
import memory
import mounts
import noop
import peers
import queue_of_jobs
import server
import slices
import slurm
import startup
import transfer
import walkthrough
from rich.console import Console
from timing import LEAST_RUNS
from workspace import CLARA

BENCHMARKS = {
    "startup": startup,
    "noop": noop,
    "queue": queue_of_jobs,
    "mounts": mounts,
    "handover": handover,
    "memory": memory,
    "definitions": definitions,
    "walkthrough": walkthrough,
    "many": many,
    "transfer": transfer,
    "server": server,
    "peers": peers,
    "console": console,
    "slices": slices,
    "slurm": slurm,
}


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(description="Measure the clara of the Python environment that runs this.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--runs", type=int, default=LEAST_RUNS, help=f"of each case (default: {LEAST_RUNS})")
    parser.add_argument(
        "--size", type=int, default=transfer.size >> 20, metavar="MIB", help="of the file of transfer (default: 256)"
    )
    arguments = parser.parse_args()
    transfer.size = arguments.size << 20
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    if arguments.runs < 1:
        parser.error("--runs must be at least 1")
    if not CLARA.exists():
        parser.error(f"{CLARA} is missing: install the project into this Python's environment")
    # Wide enough for every table, also when the output goes to a file.
    output = Console(width=180)
    output.print(machine.describe(), highlight=False)
    for name in arguments.names or BENCHMARKS:
        try:
            tables = BENCHMARKS[name].measure(arguments.runs)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{error}\n{(error.stderr or b'').decode(errors='replace')}")
        for table in tables:
            output.print()
            output.print(table)


if __name__ == "__main__":
    main()
