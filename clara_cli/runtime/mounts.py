"""Whether operators can be given mounts on this machine: bubblewrap is there, and the kernel lets it work."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from clara_cli.runtime.mounts_memory import Memory
from clara_cli.runtime.namespace import View, arguments, below

# Declared paths that would hide what programs of this machine need, or that the kernel owns.
_NEEDED = frozenset(
    {"/", "/bin", "/etc", "/lib", "/lib64", "/sbin", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/local"}
    | {"/usr/local/bin", "/usr/local/lib", "/usr/sbin"}
)
_KERNEL = ("/dev", "/proc", "/sys")
_PATIENCE = 10.0


class Mounts(NamedTuple):
    """How processes of a job get mounts.

    Attributes:
        command: bubblewrap with what it needs on this machine; empty when nobody gets mounts.
        reason: why nobody gets any.
    """

    command: tuple[str, ...] = ()
    reason: str = "they were not asked for"

    def refusal(self, paths: Iterable[str]) -> str | None:
        """Why a process with these declared paths runs without mounts; None when it gets them."""
        if not self.command:
            return self.reason
        for path in paths:
            if path in _NEEDED:
                return f"its path {path} would hide this machine's own programs"
            if any(path == kernel or below(path, kernel) for kernel in _KERNEL):
                return f"its path {path} belongs to the kernel"
        return None


def find_mounts(mode: str = "auto", folder: Path | None = None) -> Mounts:
    """Try bubblewrap once, with all that operators are given: some 6 ms.

    Args:
        mode: of the configuration; with `off` nothing is tried.
        folder: where it is remembered that it works, until the machine is started anew or something about it changes.
    """
    if mode == "off":
        return Mounts(reason="mounts are off in the configuration")
    program = shutil.which("bwrap")
    if program is None:
        return Mounts(reason="bubblewrap (the program bwrap) is not installed")
    memory = Memory(folder, program) if folder is not None else None
    if memory is not None and (command := memory.recall()):
        return Mounts(command, "")
    # Root has no need of a user namespace, unless its privileges were taken away.
    attempts: tuple[tuple[str, ...], ...] = ((), ("--unshare-user",)) if os.geteuid() == 0 else ((),)
    reason = ""
    for options in attempts:
        failure = _failure((program, *options))
        if failure is None:
            if memory is not None:
                memory.keep((program, *options))
            return Mounts((program, *options), "")
        reason = reason or failure
    return Mounts(reason=f"bubblewrap does not work here ({reason})")


def _failure(command: tuple[str, ...]) -> str | None:
    words = [*command, *arguments(View(())), "--json-status-fd", "1", "--", "true"]
    try:
        done = subprocess.run(
            words, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0 and '"exit-code"' in done.stdout:
        return None
    return (done.stderr.strip().splitlines() or [f"it ends with status {done.returncode}"])[-1].removeprefix("bwrap: ")
