"""Looking at the FastIO variables of a running job from outside, through its socket and without a copy."""

from __future__ import annotations

import json
import mmap
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

from clara_cli.errors import RuntimeFailure
from clara_cli.fastio.wire import PACKET, PAGE, peer_user, trusted

if TYPE_CHECKING:
    import numpy as np

Taken = TypeVar("Taken")
# Seconds that a living runner needs at the most.
_PATIENCE = 30.0


@dataclass(frozen=True)
class Observed:
    """One variable of a running job.

    Attributes:
        array: read-only view of the very pages the operators use, row-major, of the declared element type; its
            producer may still be writing.
        inode: number of the segment, the same in every process that maps it.
    """

    operator: str
    name: str
    array: np.ndarray[Any, Any]
    inode: int


@dataclass(frozen=True)
class Opened:
    """One variable of a running job, to be read where it is: mapping it would end the process that looks, if its
    producer made it smaller just then.

    Attributes:
        element_type: numpy's name of it.
        shape: row-major.
        file: the segment; whoever asked for it closes it.
    """

    operator: str
    name: str
    element_type: str
    shape: tuple[int, ...]
    file: FileIO


def observe(socket_name: str) -> list[Observed]:
    """Map every variable that has a shape; the views stay valid after the job's end.

    Args:
        socket_name: abstract name of the job's socket (`clara_cli.runtime.job_socket.find_socket`).

    Raises:
        RuntimeFailure: nobody, or another user, listens there, or a variable changes its size just now.
    """
    return _each(socket_name, _map)


def open_variables(socket_name: str) -> list[Opened]:
    """Open every variable that has a shape, as `observe` maps them; the files stay valid after the job's end."""
    return _each(socket_name, _open)


def _each(socket_name: str, take: Callable[[dict[str, Any], int], Taken]) -> list[Taken]:
    found: list[Taken] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(_PATIENCE)
        try:
            connection.connect("\0" + socket_name)
            if not trusted(user := peer_user(connection)):
                raise RuntimeFailure(f"another user (uid {user}) listens on the job's socket: it is not looked at")
            while True:
                reply, descriptors = _ask(connection, len(found))
                try:
                    found += [take(*pair) for pair in zip(reply["variables"], descriptors, strict=True)]
                finally:
                    _close(descriptors)
                if not reply["more"]:
                    return found
        except OSError as error:
            raise RuntimeFailure(f"the job is not running here: {error.strerror}") from error


def _ask(connection: socket.socket, first: int) -> tuple[dict[str, Any], list[int]]:
    connection.send(json.dumps({"op": "observe", "first": first}).encode())
    packet, descriptors, _, _ = socket.recv_fds(connection, PACKET, PAGE, socket.MSG_CMSG_CLOEXEC)
    try:
        reply: dict[str, Any] = json.loads(packet) if packet else {"error": "the runner has ended"}
        if "variables" not in reply:
            raise RuntimeFailure(f"the job cannot be observed: {reply.get('error')}")
    except BaseException:
        _close(descriptors)
        raise
    return reply, descriptors


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _open(variable: dict[str, Any], descriptor: int) -> Opened:
    shape = tuple(variable["shape"])
    file = FileIO(os.dup(descriptor))
    return Opened(variable["operator"], variable["name"], variable["element_type"], shape, file)


def _map(variable: dict[str, Any], descriptor: int) -> Observed:
    import numpy as np

    dtype, shape = np.dtype(variable["element_type"]), tuple(variable["shape"])
    size = prod(shape) * dtype.itemsize
    if os.fstat(descriptor).st_size < size:
        raise RuntimeFailure(f"variable {variable['name']} is being given another size; look again")
    if size:
        view = mmap.mmap(descriptor, size, prot=mmap.PROT_READ)
        array = np.frombuffer(view, dtype).reshape(shape)
    else:
        array = np.empty(shape, dtype)
        array.flags.writeable = False
    return Observed(variable["operator"], variable["name"], array, os.fstat(descriptor).st_ino)
