"""The operator's end of the job socket: one JSON object a packet, one reply a request."""

from __future__ import annotations

import array
import json
import os
import select
import socket
import threading
from collections import deque
from typing import Any, Callable

from clara import trace
from clara.errors import Error, RunnerGone, refusal
from clara.link import Link, Reply

PACKET = 1 << 20
MOST_DESCRIPTORS = 16
GONE = "the job's runner is gone"


class Channel(Link):
    """A connection to the runner of a job.

    Parameters
    ----------
    address : str
        Name of the abstract socket, without its leading NUL.
    """

    def __init__(self, address: str) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._posted: deque[dict[str, Any]] = deque()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.connect("\0" + address)
        except OSError as error:
            self._socket.close()
            raise RunnerGone("{}: {}".format(GONE, error.strerror)) from error

    def request(self, op: str, **fields: Any) -> Reply:
        with self._lock:
            self._send_posted()
            return self._exchange(dict(fields, op=op))

    def post(self, op: str, **fields: Any) -> None:
        self._posted.append(dict(fields, op=op))
        if self._lock.acquire(blocking=False):
            try:
                self._send_posted()
            finally:
                self._lock.release()

    def watch(self, gone: Callable[[], None]) -> None:
        def look() -> None:
            poller = select.poll()
            poller.register(self._socket, 0)  # a hang-up is reported even when no event is asked for
            poller.poll()
            if not self._closed:
                gone()

        threading.Thread(target=look, name="clara-watch", daemon=True).start()

    def interrupt(self) -> None:
        self._closed = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        # only shut down: closing would free the number while the watching thread still polls it
        self.interrupt()

    def _send_posted(self) -> None:
        while self._posted:
            try:
                self._exchange(self._posted.popleft())
            except RunnerGone:
                raise
            except Error as error:
                trace.detail(str(error))

    def _exchange(self, request: dict[str, Any]) -> Reply:
        packet = json.dumps(request).encode()
        trace.detail("request {}".format(packet.decode()))
        try:
            self._socket.send(packet)
            data, descriptors = self._receive()
        except OSError as error:
            raise RunnerGone("{}: {}".format(GONE, error.strerror)) from error
        if not data:
            raise RunnerGone(GONE)
        return _understood(data, descriptors)

    def _receive(self) -> tuple[bytes, list[int]]:
        space = socket.CMSG_SPACE(MOST_DESCRIPTORS * array.array("i").itemsize)
        data, ancillary, _, _ = self._socket.recvmsg(PACKET, space, socket.MSG_CMSG_CLOEXEC)
        descriptors = array.array("i")
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
        return data, list(descriptors)


def _understood(data: bytes, descriptors: list[int]) -> Reply:
    try:
        fields = json.loads(data.decode())
        if fields["ok"]:
            return Reply(fields, descriptors)
        problem = refusal(str(fields.get("error", "refused")), str(fields.get("kind", "")))
    except (ValueError, KeyError, TypeError) as error:
        problem = Error("the job's runner sent an unreadable reply: {!r}".format(error))
    for descriptor in descriptors:
        os.close(descriptor)
    raise problem
