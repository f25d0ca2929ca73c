"""Shared memory, limits, name spaces, GPUs and container engines."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from clara_cli.doctor.finding import Finding, Level
from clara_cli.fastio.segment import SHARED_MEMORY
from clara_cli.quantities import show_size
from clara_cli.runtime.machine import this_machine
from clara_cli.runtime.mounts import find_mounts

_LITTLE_MEMORY, _TIGHT_MEMORY = 1 << 20, 256 << 20
_FEW_FILES, _SOME_FILES = 64, 512
_FEW_PROCESSES, _SOME_PROCESSES = 16, 256


def check_machine() -> Iterator[Finding]:
    """Cores, memory and GPUs as operators may use them."""
    machine = this_machine()
    yield Finding("machine", Level.OK, f"{machine.cpus} cores, {show_size(machine.memory << 20)} of memory")
    if machine.gpus:
        yield Finding("gpus", Level.OK, f"{len(machine.gpus)}: {', '.join(machine.gpus)}")
    else:
        yield Finding("gpus", Level.NOTE, "none; operators that ask for one run without")


def check_shared_memory(folder: str = SHARED_MEMORY) -> Iterator[Finding]:
    """Arrays between operators (FastIO) lie there."""
    try:
        sizes = os.statvfs(folder)
    except OSError as error:
        text = f"{folder} cannot be used: {error.strerror}; pipelines with FastIO fail"
        yield Finding("shared memory", Level.ERROR, text, f"mount -t tmpfs tmpfs {folder}")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        text = f"{folder} cannot be written; pipelines with FastIO fail"
        yield Finding("shared memory", Level.ERROR, text, f"chmod 1777 {folder}")
        return
    free, total = sizes.f_bavail * sizes.f_frsize, sizes.f_blocks * sizes.f_frsize
    level = Level.ERROR if free < _LITTLE_MEMORY else Level.WARNING if free < _TIGHT_MEMORY else Level.OK
    advice = None if level is Level.OK else f"mount -o remount,size=8G {folder} (in Docker: --shm-size 8g)"
    yield Finding("shared memory", level, f"{folder}: {show_size(free)} of {show_size(total)} free", advice)


def check_limits(root: Path = Path("/")) -> Iterator[Finding]:
    """Open files and processes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = float("inf") if soft == resource.RLIM_INFINITY else soft
    level = Level.ERROR if count < _FEW_FILES else Level.WARNING if count < _SOME_FILES else Level.OK
    yield Finding("open files", level, f"limit {_shown(soft)}, at most {_shown(hard)}", _raise("n", level))
    own = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    group = _pids_limit(root)
    bounds = [limit for limit in (group, None if own == resource.RLIM_INFINITY else own) if limit is not None]
    least = min(bounds, default=None)
    level = Level.OK
    if least is not None:
        level = Level.ERROR if least < _FEW_PROCESSES else Level.WARNING if least < _SOME_PROCESSES else Level.OK
    text = f"limit {_shown(own)} for the user, {'none' if group is None else group} in the control group"
    yield Finding("processes", level, text, _raise("u", level))
    if least is None:
        text = "nothing bounds how many processes an operator starts"
        yield Finding("processes", Level.NOTE, text, "ulimit -u 4096 before clara, or a pids limit of the session")


def _shown(limit: int) -> str:
    return "none" if limit == resource.RLIM_INFINITY else str(limit)


def _raise(letter: str, level: Level) -> str | None:
    return None if level is Level.OK else f"ulimit -{letter} 4096, or the limits of the session or container"


def _pids_limit(root: Path) -> int | None:
    """The least `pids.max` of the control groups this process is in."""
    found = []
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "pids"):
                top = root / "sys/fs/cgroup" / controllers
                folder = top / path.lstrip("/")
                found += [item / "pids.max" for item in (folder, *folder.parents) if item == top or top in item.parents]
    limits = []
    for file in found:
        with suppress(OSError, ValueError):
            limits.append(int(file.read_text()))
    return min(limits, default=None)


def check_name_spaces(mode: str = "auto") -> Iterator[Finding]:
    """Whether operators can have their folders at the declared paths.

    Args:
        mode: `mounts` of the configuration; with `require` jobs fail where they cannot.
    """
    found = find_mounts(mode)
    if found.command:
        yield Finding(
            "name spaces", Level.OK, f"operators get their folders at the declared paths ({found.command[0]})"
        )
        return
    reason = found.reason if mode == "off" else _user_name_spaces() or found.reason
    if mode == "require":
        advice = "install bubblewrap, allow user name spaces, or clara config set mounts auto"
        yield Finding("name spaces", Level.ERROR, f"mounts are required, and cannot be made: {reason}", advice)
    else:
        advice = "operators run without; those with absolute paths in their code may need it"
        yield Finding("name spaces", Level.NOTE, f"declared paths are not mounted: {reason}", advice)


def _user_name_spaces() -> str | None:
    """The setting of the kernel that forbids them to ordinary users; root needs none."""
    if os.geteuid() == 0 or shutil.which("bwrap") is None:
        return None
    for name, forbidden in (
        ("user/max_user_namespaces", "0"),
        ("kernel/unprivileged_userns_clone", "0"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1"),
    ):
        with suppress(OSError):
            if (Path("/proc/sys") / name).read_text().strip() == forbidden:
                return f"{name.replace('/', '.')} is {forbidden}"
    return None


def check_engines() -> Iterator[Finding]:
    """Container engines, of which none is needed."""
    found = [name for name in ("docker", "podman", "apptainer", "singularity", "nerdctl") if shutil.which(name)]
    yield Finding("containers", Level.OK, f"{', '.join(found) or 'no engine'} found, none needed")
