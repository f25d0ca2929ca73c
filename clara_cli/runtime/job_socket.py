"""The job socket: an abstract Unix socket on which a runner answers operators and observers.

The protocol is the table in `docs/architecture.md`. This module moves packets; what they mean is `requests`.
"""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from clara_cli.errors import RuntimeFailure
from clara_cli.fastio.wire import PACKET, peer_user, trusted

_ATTEMPTS = 8


def socket_name(job_id: str) -> str:
    """Abstract name (without its leading NUL) of a job's socket, unless another user has taken it."""
    return f"clara-{job_id}"


def find_socket(job_id: str) -> str | None:
    """The abstract name on which a runner of this user (or of root) listens for a job; None when none does."""
    name = socket_name(job_id)
    listed = (line.rpartition(" @")[2] for line in _abstract_sockets())
    others = {found for found in listed if found.startswith(f"{name}-")}
    return next((found for found in (name, *sorted(others)) if _listener(found) == "own"), None)


def _abstract_sockets() -> list[str]:
    try:
        return Path("/proc/net/unix").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _listener(name: str) -> str:
    """Whose an abstract name is: `own`, `foreign` (also when that cannot be told), or `nobody`'s."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC) as connection:
        connection.setblocking(False)
        try:
            connection.connect("\0" + name)
            return "own" if trusted(peer_user(connection)) else "foreign"
        except OSError as error:
            return "nobody" if error.errno == errno.ECONNREFUSED else "foreign"


class Peer:
    """One connection: an operator's driver, or an observer.

    Attributes:
        stage: the operator's name after its `hello`; None before, and for observers.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.stage: str | None = None

    def receive(self) -> dict[str, Any] | None:
        """The next request; None when the peer is gone or sends what is no request.

        Raises:
            BlockingIOError: nothing there.
        """
        try:
            packet = self.connection.recv(PACKET)
            request = json.loads(packet) if packet else None
        except BlockingIOError:
            raise
        except (OSError, ValueError, RecursionError):
            return None
        return request if isinstance(request, dict) else None

    def reply(self, values: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Send a reply; a peer that is gone or does not read its replies is none of the runner's problems."""
        packet = json.dumps(values).encode()
        try:
            if len(packet) > PACKET:
                raise OSError(errno.EMSGSIZE, "")
            socket.send_fds(self.connection, [packet], descriptors)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                said = "the answer is too large for the job's socket: the operator has too many inputs and outputs"
                self.reply({"ok": False, "kind": "state", "error": said})
            else:
                with suppress(OSError):  # what it asked next would wait for ever
                    self.connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.connection.close()


class JobSocket:
    """The listening end.

    Attributes:
        name: its abstract name, without the leading NUL; operators find it in `CLARA_JOB_SOCKET`.
    """

    def __init__(self, job_id: str) -> None:
        """Listen, under another name where somebody else has taken the job's own.

        Raises:
            RuntimeFailure: another runner of this job listens, or sockets cannot be made.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        try:
            self._socket.setblocking(False)
            self.name = self._bind(socket_name(job_id))
            self._socket.listen(128)
            self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self._socket.close()
            raise RuntimeFailure(f"cannot listen on the job's socket: {error.strerror}") from error

    def _bind(self, name: str) -> str:
        """Take the name or, where it is a stranger's, one that nobody can guess."""
        for attempt in range(_ATTEMPTS):
            tried = name if attempt == 0 else f"{name}-{os.urandom(8).hex()}"
            try:
                self._socket.bind("\0" + tried)
                return tried
            except OSError as error:
                if error.errno != errno.EADDRINUSE or _listener(tried) == "own":
                    raise
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

    def fileno(self) -> int:
        return self._socket.fileno()

    def accept(self) -> Peer | None:
        """The next connection, if it is one of this user's (or root's) processes."""
        try:
            connection, _ = self._socket.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._turn_away()
            return None
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PACKET)
        if not trusted(peer_user(connection)):
            connection.close()
            return None
        return Peer(connection)

    def _turn_away(self) -> None:
        """Without a descriptor left the next connection would stay in the queue and wake the runner for ever."""
        os.close(self._spare)
        with suppress(OSError):
            self._socket.accept()[0].close()
        self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._spare)
        self._socket.close()
