"""What the configuration says about Slurm: how jobs are asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class SlurmOptions(NamedTuple):
    """How jobs are asked for, beside what their definitions say.

    Attributes:
        partition, account, constraint, reservation: as sbatch has them; None for the cluster's default.
        qos: quality of service by priority (`low`, `normal`, `high`, `immediate`), or for all under "".
        memory: megabytes for a job whose definition says nothing about memory; None for the cluster's default.
        extra: further words for sbatch, as they are.
    """

    partition: str | None = None
    account: str | None = None
    constraint: str | None = None
    reservation: str | None = None
    qos: Mapping[str, str] = MappingProxyType({})
    memory: int | None = None
    extra: tuple[str, ...] = ()


NO_OPTIONS = SlurmOptions()
