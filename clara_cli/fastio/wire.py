"""What both ends of the job socket have to agree on, and who is at the other end.

The operator's end, `operator_path/clara/channel.py`, has its own copy: it knows nothing of `clara_cli`.
"""

from __future__ import annotations

import os
import socket
import struct

# Bytes of the largest packet.
PACKET = 1 << 20
# Variables in one answer to `observe`: the kernel passes at most 253 descriptors with one packet.
PAGE = 200
_CREDENTIALS = struct.Struct("3i")


def peer_user(connection: socket.socket) -> int:
    """The user id of the other end, as the kernel saw it when that end connected or began to listen."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


def trusted(user: int) -> bool:
    """Whether to talk to a process of this user: the same one, or root."""
    return user in (0, os.geteuid())
