"""A real Slurm on this machine, without systemd: munged with a key of its own, slurmctld, a slurmd for each node.

Everything lies in one folder; the programs are started by their paths and ended by the numbers in their pid files.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
_PATIENCE = 30.0

_CONFIGURATION = """
ClusterName=clara
SlurmctldHost=localhost
SlurmctldPort={controller}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=10
InactiveLimit=0
KillWait=3
MinJobAge={age}
MaxArraySize=1001
MessageTimeout=5
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=ALL MaxTime=00:01:00 OverTimeLimit=0 State=UP
{more}
"""


def why_not() -> str | None:
    """Why no Slurm can be started here; None when one can."""
    missing = [name for name in _PROGRAMS if _found(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed (slurm-wlm, munge)"
    return None if os.geteuid() == 0 else "Slurm is started by root only"


def _found(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]


@dataclass
class Cluster:
    """One cluster; `start` and `stop` are for single daemons, `begin` and `end` for all."""

    folder: Path
    nodes: tuple[str, ...] = ("n0", "n1")
    cpus: tuple[int, ...] = (2, 2)
    age: int = 300
    more: str = ""
    _ports: list[int] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What the commands of Slurm need to find it."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def begin(self) -> None:
        """Start everything and wait until all nodes are idle."""
        self._configure()
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        self.start("munged")
        self.start("slurmctld")
        for node in self.nodes:
            self.start(f"slurmd-{node}")
        self.wait(self.idle, "idle nodes")

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # munged refuses a folder that others can write; the commands of ordinary users have to find the socket.
        self.folder.chmod(0o755)
        (self.folder / "state").mkdir(exist_ok=True)
        self._ports = self._ports or _free_ports(1 + len(self.nodes))
        lines = [
            f"NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory=1000"
            for node, port, cpus in zip(self.nodes, self._ports[1:], self.cpus, strict=True)
        ]
        text = _CONFIGURATION.format(
            controller=self._ports[0], folder=self.folder, nodes="\n".join(lines), age=self.age, more=self.more
        )
        (self.folder / "slurm.conf").write_text(text)

    def start(self, name: str) -> None:
        """Start one daemon: munged, slurmctld or slurmd-NODE."""
        folder = self.folder
        if name == "munged":
            words = ["--key-file", folder / "munge.key", "--socket", folder / "munge.socket"]
            words += ["--pid-file", folder / "munged.pid", "--log-file", folder / "munged.log"]
            words += ["--seed-file", folder / "munged.seed", "--num-threads", "2"]
        elif name == "slurmctld":
            words = ["-f", folder / "slurm.conf"]
        else:
            words = ["-f", folder / "slurm.conf", "-N", name.partition("-")[2]]
        program = _found(name.partition("-")[0])
        assert program is not None
        log = (folder / f"{name}.out").open("ab")
        with log:
            subprocess.run(
                [program, *map(str, words)],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=60,
                env={**os.environ, **self.environment},
            )
        self.wait(lambda: self.pid(name), f"{name}'s pid file")

    def pid(self, name: str) -> int | None:
        """The number of a daemon that lives."""
        with suppress(OSError, ValueError):
            pid = int((self.folder / f"{name}.pid").read_text())
            # A pid file outlives its process.
            with suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == name.partition("-")[0]:
                    return pid
        return None

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End a daemon and wait until it is gone."""
        pid = self.pid(name)
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        try:
            self.wait(lambda: self.pid(name) != pid, f"the end of {name}")
        except AssertionError:
            os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """End what runs, the jobs first."""
        with suppress(OSError, subprocess.SubprocessError):
            if self.pid("slurmctld") is not None:
                self.run("scancel", "--full", "--signal=KILL", "--user=root", check=False)
        for name in (*(f"slurmd-{node}" for node in self.nodes), "slurmctld", "munged"):
            self.kill(name, signal.SIGTERM)

    def run(self, *words: str, check: bool = True) -> str:
        """A command of Slurm; returns what it said."""
        done = subprocess.run(
            words,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def idle(self) -> bool:
        """Whether every node is ready and has nothing to do."""
        states = self.run("sinfo", "-h", "-N", "-p", "main", "-o", "%t", check=False).split()
        return len(states) == len(self.nodes) and set(states) == {"idle"}

    def wait(self, condition: Callable[[], object], what: str, seconds: float = _PATIENCE) -> None:
        """Wait until something is true; an assertion names it when that takes too long."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "".join(f"\n{path}:\n{path.read_text()[-2000:]}" for path in sorted(self.folder.glob("*.log")))
                raise AssertionError(f"waited {seconds} s for {what}{logs}")
            time.sleep(0.02)


def main() -> None:
    """`python tests/slurm_cluster.py FOLDER begin|end`: a cluster to try things on by hand."""
    cluster = Cluster(Path(sys.argv[1]).absolute())
    if sys.argv[2] == "begin":
        reason = why_not()
        if reason is not None:
            sys.exit(f"no Slurm here: {reason}")
        cluster.begin()
        sys.stdout.write(f"export SLURM_CONF={cluster.folder / 'slurm.conf'}\n")
    else:
        cluster.end()


if __name__ == "__main__":
    main()
