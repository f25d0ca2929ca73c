"""That bubblewrap works here, remembered in the root's `.mounts` so that not every start has to try it.

What is remembered counts while nothing has changed of what it depends on: the machine's boot, the program, the user
with the rights of this process, its namespaces, and the kernel's settings. That it does not work is never remembered.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

_NAME = ".mounts"
_SETTINGS = (
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/user/max_mnt_namespaces",
    "/proc/sys/user/max_pid_namespaces",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/self/attr/current",
)
_RIGHTS = ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp", "Seccomp_filters")


class Memory:
    """What is remembered of one program in a folder."""

    def __init__(self, folder: Path, program: str) -> None:
        self._path = folder / _NAME
        self._circumstances = _circumstances(program)

    def recall(self) -> tuple[str, ...]:
        """The command that worked; empty when none did, or something is different now."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            kept = json.loads(self._path.read_bytes())
            if kept["circumstances"] == self._circumstances:
                return tuple(map(str, kept["command"]))
        return ()

    def keep(self, command: tuple[str, ...]) -> None:
        """Remember a command that worked; where that cannot be written it is tried again the next time."""
        beside = self._path.with_name(f"{_NAME}.{os.getpid()}")
        with suppress(OSError):
            beside.write_text(json.dumps({"command": command, "circumstances": self._circumstances}))
            beside.replace(self._path)


def forget(folder: Path) -> None:
    """What was remembered turned out to be wrong."""
    with suppress(OSError):
        (folder / _NAME).unlink()


def _circumstances(program: str) -> list[str]:
    info = os.stat(program)  # noqa: PTH116
    found = [program, f"{info.st_ino} {info.st_size} {info.st_mtime_ns} {info.st_mode:o}", f"{os.getresuid()}"]
    found += [_link(f"/proc/self/ns/{name}") for name in ("user", "mnt", "pid")]
    found += [line for line in _text("/proc/self/status").splitlines() if line.partition(":")[0] in _RIGHTS]
    return [*found, *map(_text, _SETTINGS)]


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a dozen for each start
            return file.read().decode("utf-8", "replace").strip("\0\n")
    except OSError:
        return ""
