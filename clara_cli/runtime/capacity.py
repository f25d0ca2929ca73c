"""How many operators may execute at once: what they request against what the machine has. Pure decisions.

Counted from the start of an operator's execute to the end of its process. Requests are those of the definition
language: logical cores, megabytes of memory, whole GPUs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from clara_cli.pipelines.model import Requests


class Machine(NamedTuple):
    """What may be used at once: logical cores, memory in megabytes, and GPUs as CUDA_VISIBLE_DEVICES names them."""

    cpus: int
    memory: int
    gpus: tuple[str, ...] = ()


class Need(NamedTuple):
    """What one operator holds while it executes; who asks for nothing counts as one core and no memory."""

    cpus: int = 1
    memory: int = 0
    gpus: int = 0


def need(requests: Requests, machine: Machine) -> Need:
    """What a request counts as on this machine.

    More cores or memory than there are count as the whole machine, so that the operator runs alone; GPUs that are
    not there are not waited for.
    """
    cpus, memory = max(1, requests.cpu or 0), max(0, requests.memory or 0)
    gpus = min(max(0, requests.gpu or 0), len(machine.gpus))
    if cpus > machine.cpus or memory > machine.memory:
        return Need(machine.cpus, machine.memory, gpus)
    return Need(cpus, memory, gpus)


def shortfalls(requests: Requests, machine: Machine) -> list[str]:
    """What the machine cannot give, in words that follow the operator's name."""
    found = []
    if (requests.cpu or 0) > machine.cpus:
        found.append(f"asks for {requests.cpu} cpus and this machine has {machine.cpus}: it runs alone")
    if (requests.memory or 0) > machine.memory:
        found.append(f"asks for {requests.memory} MB of memory and this machine has {machine.memory}: it runs alone")
    if (requests.gpu or 0) > len(machine.gpus):
        has = len(machine.gpus) or "none"
        found.append(f"asks for {requests.gpu} GPU(s) and this machine has {has}: it runs with what there is")
    return found


class Room(Protocol):
    """Where a schedule gets what its operators need: of a machine for itself, or shared with other jobs.

    Attributes:
        descriptor: readable when others have given something back; None when there are no others.
    """

    @property
    def descriptor(self) -> int | None: ...

    def patience(self, waiting: bool) -> float | None:
        """Seconds after which to look even if nobody says anything; None for never."""
        ...

    def look(self) -> None:
        """Something was said, or it is time to look."""
        ...

    def admit(self, waiting: Iterable[tuple[str, Need]]) -> list[str]: ...

    def devices(self, name: str) -> tuple[str, ...]: ...

    def release(self, name: str) -> None: ...


class Capacity:
    """Who holds what of a machine that one job has for itself."""

    descriptor: int | None = None

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._holders: dict[str, tuple[Need, tuple[str, ...]]] = {}

    def patience(self, waiting: bool) -> float | None:
        return None

    def look(self) -> None:
        pass

    def admit(self, waiting: Iterable[tuple[str, Need]]) -> list[str]:
        """Give those who wait what they need, in their order, as far as it goes; returns who got it.

        One that does not fit keeps what is free for itself: those behind it get only what it has no use for, so
        that many small operators cannot keep a large one waiting for ever.
        """
        left = self._free()
        admitted = []
        for name, wanted in waiting:
            if wanted.cpus <= left.cpus and wanted.memory <= left.memory and wanted.gpus <= left.gpus:
                self._holders[name] = (wanted, self._free_devices()[: wanted.gpus])
                admitted.append(name)
            left = Need(
                max(0, left.cpus - wanted.cpus),
                max(0, left.memory - wanted.memory),
                max(0, left.gpus - wanted.gpus),
            )
        return admitted

    def devices(self, name: str) -> tuple[str, ...]:
        """The GPUs that are this operator's for now."""
        return self._holders[name][1] if name in self._holders else ()

    def release(self, name: str) -> None:
        """The operator has ended, whether it held anything or not."""
        self._holders.pop(name, None)

    def _free(self) -> Need:
        held = [item for item, _ in self._holders.values()]
        return Need(
            self.machine.cpus - sum(item.cpus for item in held),
            self.machine.memory - sum(item.memory for item in held),
            len(self._free_devices()),
        )

    def _free_devices(self) -> tuple[str, ...]:
        taken = {device for _, devices in self._holders.values() for device in devices}
        return tuple(device for device in self.machine.gpus if device not in taken)
