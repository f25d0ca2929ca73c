"""Ports of services on this machine's own address."""

from __future__ import annotations

import socket
from collections.abc import Collection

HOST = "127.0.0.1"


def choose_port(declared: int | None, taken: Collection[int]) -> int:
    """The declared port where nobody has it, else any free one."""
    if declared is not None and declared not in taken and _is_free(declared):
        return declared
    while (port := _any()) in taken:
        pass
    return port


def answers(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as attempt:
        attempt.settimeout(0.2)
        return attempt.connect_ex((HOST, port)) == 0


def _is_free(port: int) -> bool:
    # On all addresses: a server that listens on any of them would be in the way.
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("", port))
        except OSError:
            return False
    return True


def _any() -> int:
    with socket.socket() as attempt:
        attempt.bind((HOST, 0))
        return int(attempt.getsockname()[1])
