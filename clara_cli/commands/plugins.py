"""Plugins: any executable `clara-WORD` on PATH is run for `clara WORD …`, with the arguments and the environment.

A plugin cannot replace or extend a command of clara itself: `clara-version` and `clara-version-foo` are ignored.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Container, Sequence
from contextlib import suppress

from clara_cli.errors import RuntimeFailure

PREFIX = "clara-"
_WORD = r"[A-Za-z0-9][\w.+-]*"


def find_plugin(word: str, commands: Container[str]) -> str | None:
    """The path of the program that stands for `clara WORD`, if there is one."""
    if not _allowed(word, commands):
        return None
    for folder in os.get_exec_path():
        path = os.path.join(folder, PREFIX + word)  # noqa: PTH118 - as the shell would write it
        if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
            return path
    return None


def list_plugins(commands: Container[str]) -> list[tuple[str, str]]:
    """Word and path of every plugin; of two with one name the first on PATH counts."""
    found: dict[str, str] = {}
    for folder in os.get_exec_path():
        names: list[str] = []
        with suppress(OSError):
            names = [name for name in os.listdir(folder or ".") if name.startswith(PREFIX)]  # noqa: PTH208
        for name in names:
            word = name.removeprefix(PREFIX)
            path = os.path.join(folder or ".", name)  # noqa: PTH118
            if word not in found and _allowed(word, commands) and os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
                found[word] = path
    return sorted(found.items())


def _allowed(word: str, commands: Container[str]) -> bool:
    return (
        re.fullmatch(_WORD, word, re.ASCII) is not None
        and word not in commands
        and word.partition("-")[0] not in commands
    )


def run_plugin(path: str, arguments: Sequence[str]) -> None:
    """Become the plugin; its exit status is that of the command.

    Raises:
        RuntimeFailure: the system cannot run it.
    """
    import signal

    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    # Python ignores these two, and what is ignored stays so in another program.
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGPIPE, signal.SIGXFSZ)}
    try:
        os.execv(path, [path, *arguments])
    except OSError as error:
        for number, handler in before.items():
            signal.signal(number, handler)
        hint = "a script needs a first line such as #!/bin/sh" if error.errno == 8 else None
        raise RuntimeFailure(f"cannot run the plugin {path}: {error.strerror}", hint) from error
    except ValueError as error:
        raise RuntimeFailure(f"cannot run the plugin {path}: {error}") from error
