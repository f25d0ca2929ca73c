"""The fork server before anything else: begun while it is only likely that a job will need it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from clara_cli.runtime.fork_server import VARIABLE, ForkServer
from clara_cli.runtime.passed_on import FAST_IO, passed_on

_early: list[ForkServer] = []
# In a root whose last job had no operator in Python: the next one is likely to have none either.
_NO_PYTHON = ".no-python"


def begin_early(words: Sequence[str]) -> None:
    """Start a fork server if a command line looks as if it will be needed and nothing could speak against it.

    Args:
        words: the command line without the program's name.
    """
    command = next((word for word in words if not word.startswith("-")), "")
    if command not in ("start", "run") or any(
        word.startswith(("--config", "--det", "--eng", "--fast", "--h", "-h")) for word in words
    ):
        return
    said = {name: os.environ.get(name, "").lower() for name in (VARIABLE, FAST_IO, "CLARA_START")}
    if said[VARIABLE] not in ("", "1") or said[FAST_IO] not in ("", "0") or said["CLARA_START"] == "detach":
        return
    # Jobs run on another machine.
    if os.environ.get("CLARA_HOST") or os.environ.get("CLARA_ENGINE", "") not in ("", "local"):
        return
    try:
        with open(os.path.expanduser("~/.clara/config.yaml"), "rb") as file:  # noqa: PTH111, PTH123
            text = file.read(1 << 16)
    except OSError:
        text = b""
    if any(key in b"\n" + text for key in (b"warm_start", b"fast_io", b"detach", b"slurm", b"\nhost:")):
        return
    if b"\nroot:" in b"\n" + text or not any(map(_without_python, _roots())):
        try:
            _early.append(ForkServer(passed_on()))
        except OSError:
            pass  # tried once more when it is needed


def _roots() -> list[str]:
    """Where the root may be, if the configuration does not say it."""
    said = os.environ.get("CLARA_ROOT")
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")  # noqa: PTH111
    return [said] if said else ["/clara", f"{data}/clara"]


def _without_python(root: str) -> bool:
    return os.path.exists(f"{root}/{_NO_PYTHON}")  # noqa: PTH110


def expect_python(root: str | os.PathLike[str], expected: bool) -> None:
    """Remember in a root whether its next job is likely to need a fork server: a guess."""
    folder = os.fspath(root)
    try:
        if expected and _without_python(folder):
            os.unlink(f"{folder}/{_NO_PYTHON}")  # noqa: PTH108
        elif not expected:
            os.close(os.open(f"{folder}/{_NO_PYTHON}", os.O_CREAT | os.O_WRONLY, 0o644))
    except OSError:
        pass


def fork_server(wanted: bool, user: Mapping[str, str]) -> ForkServer | None:
    """The fork server for operators with this part of the user's environment; None if none is wanted, or can be had.

    The caller closes it.
    """
    early = _early.pop() if _early else None
    if early is not None and wanted and early.suits(user):
        return early
    if early is not None:
        early.close()
    if wanted:
        try:
            return ForkServer(user)
        except OSError:
            pass
    return None
