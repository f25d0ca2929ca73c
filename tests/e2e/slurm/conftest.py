"""Everything in this folder runs jobs on a real Slurm, or says by name why it does not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm_cluster import Cluster, why_not


@pytest.fixture(scope="session")
def one_cluster() -> Iterator[Cluster]:
    reason = why_not()
    if reason is not None:
        pytest.skip(f"no Slurm on this machine: {reason}")
    # Not below pytest's own folder, which only this user can enter: munged wants its socket to be found by all.
    with tempfile.TemporaryDirectory(prefix="clara-slurm-") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.begin()
            yield cluster
        finally:
            cluster.end()


@pytest.fixture
def cluster(one_cluster: Cluster, monkeypatch: pytest.MonkeyPatch, world: Path) -> Iterator[Cluster]:
    """A Slurm of two nodes, with nothing to do; jobs run there unless a test says otherwise."""
    for name, value in one_cluster.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CLARA_ENGINE", "slurm")
    yield one_cluster
    for name in ("slurmctld", *(f"slurmd-{node}" for node in one_cluster.nodes)):
        if one_cluster.pid(name) is None:
            one_cluster.start(name)
    one_cluster.run("scancel", "--full", "--signal=KILL", "--user=root", check=False)
    one_cluster.run("scancel", "--user=root", check=False)
    one_cluster.wait(one_cluster.idle, "idle nodes after the test")
