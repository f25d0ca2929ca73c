"""What this machine has: cores, memory and GPUs, as far as this process may use them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from clara_cli.runtime.capacity import Machine

_MEGABYTE = 1 << 20
# Version 2 of control groups has one folder for all; version 1 has one for each controller.
_UNIFIED = ""


def this_machine(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Machine:
    """Cores of this process's affinity and memory, both within the limits of its control groups; NVIDIA GPUs.

    Args:
        environment: its CUDA_VISIBLE_DEVICES, when set, leaves only those GPUs.
        root: where `proc`, `sys` and `dev` are.
    """
    groups = _groups(root)
    cpus = min([len(os.sched_getaffinity(0)), *_cpu_quotas(groups)])
    memory = min([_total_memory(root), *_memory_limits(groups)])
    return Machine(cpus, memory // _MEGABYTE, _gpus(root / "dev", environment.get("CUDA_VISIBLE_DEVICES")))


def _groups(root: Path) -> dict[str, list[Path]]:
    """The folders of this process's control groups and all above them, by controller."""
    found: dict[str, list[Path]] = {}
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            top = f"{root}/sys/fs/cgroup/{controllers}"
            names = [name for name in path.split("/") if name]
            # In a container the path may be the host's, which is not there to be seen: then only the top counts.
            found[controller] = [Path("/".join((top, *names[:count]))) for count in range(len(names), -1, -1)]
    return found


def _cpu_quotas(groups: Mapping[str, list[Path]]) -> Iterator[int]:
    for folder in groups.get(_UNIFIED, ()):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        yield from _whole_cpus(quota, period)
    for folder in groups.get("cpu", ()):
        yield from _whole_cpus(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))


def _whole_cpus(quota: str, period: str) -> Iterator[int]:
    if quota.isdigit() and period.isdigit() and int(period):
        yield max(1, int(quota) // int(period))


def _memory_limits(groups: Mapping[str, list[Path]]) -> Iterator[int]:
    files = [folder / "memory.max" for folder in groups.get(_UNIFIED, ())]
    files += [folder / "memory.limit_in_bytes" for folder in groups.get("memory", ())]
    for text in map(_text, files):
        if text.isdigit():
            yield int(text)


def _total_memory(root: Path) -> int:
    found = re.search(r"^MemTotal:\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _gpus(devices: Path, visible: str | None) -> tuple[str, ...]:
    count = sum(1 for path in devices.glob("nvidia[0-9]*") if path.name.removeprefix("nvidia").isdigit())
    if visible is None or not count:
        return tuple(map(str, range(count)))
    chosen: list[str] = []
    for word in (part.strip() for part in visible.split(",")):
        # As CUDA reads it: a number that is no device ends the list; other words name devices by their identity.
        if not word or (word.lstrip("-").isdigit() and not 0 <= int(word) < count):
            break
        if word not in chosen:
            chosen.append(word)
    return tuple(chosen[:count])


def _text(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text("ascii").strip()
    return ""
