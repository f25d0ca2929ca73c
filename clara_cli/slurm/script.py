"""What sbatch is given: its words, and the script that starts a job's runner on the node. Pure."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from clara_cli.slurm.requests import Ask
from clara_cli.slurm.states import NO_FOLDER, NO_PYTHON
from clara_cli.slurm_options import SlurmOptions

# Seconds that a runner has beyond the job's own time limit: it ends the job itself, and says why.
MARGIN = 300.0
# An ordinary user can only give way in Slurm; who is to come first needs a quality of service.
_NICE = {"low": 1000, "normal": 100, "high": 10, "immediate": 0}
_NAME = re.compile(r"[^\w.+-]+")

_SCRIPT = """#!/bin/sh
# clara: one job of a pipeline; its runner says in the job's folder how it goes
set -- {jobs}
shift "${{SLURM_ARRAY_TASK_ID:-0}}"
folder={folder}/$1
cd "$folder" || exit {no_folder}
exec >>runner.log 2>&1
cd {package} || exit {no_python}
[ -x {python} ] || exit {no_python}
exec {python} -m clara_cli.jobs.node "$folder"
"""


def batch_script(folder: Path, jobs: Sequence[str], python: str, package: Path) -> str:
    """The script of one job, or of an array of jobs in their order.

    Args:
        folder: where the folders of all jobs are.
        package: the folder that holds clara's package.
    """
    return _SCRIPT.format(
        jobs=" ".join(jobs),
        folder=shlex.quote(str(folder)),
        package=shlex.quote(str(package)),
        python=shlex.quote(python),
        no_folder=NO_FOLDER,
        no_python=NO_PYTHON,
    )


def sbatch_words(name: str, count: int, priority: str, ask: Ask, options: SlurmOptions) -> list[str]:
    """The call of sbatch for so many jobs that ask for the same.

    Args:
        name: shown by squeue, after `clara:`.
        priority: low, normal, high or immediate.
    """
    words = ["sbatch", "--parsable", f"--job-name=clara:{_NAME.sub('-', name)[:60]}", "--chdir=/", "--input=/dev/null"]
    # A job runs once: one that its node lost is run again by whoever wants that.
    words += ["--output=/dev/null", "--no-requeue", "--nodes=1", "--ntasks=1", f"--cpus-per-task={ask.cpus}"]
    memory = ask.memory if ask.memory is not None else options.memory
    if memory is not None:
        words.append(f"--mem={memory}M")
    if ask.gpus:
        words.append(f"--gres=gpu:{ask.gpus}")
    if ask.seconds is not None:
        words.append(f"--time={math.ceil((ask.seconds + MARGIN) / 60)}")
    words.append(f"--nice={_NICE[priority]}")
    for flag, value in (
        ("partition", options.partition),
        ("account", options.account),
        ("constraint", options.constraint),
        ("reservation", options.reservation),
        ("qos", options.qos.get(priority, options.qos.get(""))),
    ):
        if value:
            words.append(f"--{flag}={value}")
    if count > 1:
        words.append(f"--array=0-{count - 1}")
    return [*words, *options.extra]
