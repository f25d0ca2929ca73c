"""The operator's end of the job socket: one JSON object a packet, one reply a request."""

from __future__ import annotations

import array
import json
import os
import select
import socket
import struct
import threading
import weakref
from collections import deque
from typing import Any, Callable

from clara import trace
from clara.errors import Error, NotPermitted, RunnerGone, WrongState, refusal
from clara.link import Link, Reply

PACKET = 1 << 20
MOST_DESCRIPTORS = 16
GONE = "the job's runner is gone"
NOT_THE_CHILDS = "the job's runner is spoken to by the process that started the driver, not by one that it forked"
_CREDENTIALS = struct.Struct("3i")


class Channel(Link):
    """A connection to the runner of a job.

    Parameters
    ----------
    address : str
        Name of the abstract socket, without its leading NUL.

    Raises
    ------
    clara.Error
        Nobody listens there (`RunnerGone`), or another user does.
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
        user = _user_of(self._socket)
        if user not in (0, os.geteuid()):
            self._socket.close()
            raise NotPermitted("another user (uid {}) listens where the job's runner should".format(user))
        self._process = os.getpid()
        here = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _let_go(here()))

    def request(self, op: str, **fields: Any) -> Reply:
        self._check_process()
        with self._lock:
            self._send_posted()
            return self._exchange(dict(fields, op=op))

    def post(self, op: str, **fields: Any) -> None:
        self._check_process()
        self._posted.append(dict(fields, op=op))
        if self._lock.acquire(blocking=False):
            try:
                self._send_posted()
            finally:
                self._lock.release()

    def watch(self, gone: Callable[[], None]) -> None:
        # a thread that is still there when Python ends keeps what it refers to: files of the program unflushed
        kept = weakref.WeakMethod(gone)

        def look() -> None:
            self._hung_up(None)
            told = None if self._closed else kept()
            if told is not None:
                told()

        threading.Thread(target=look, name="clara-watch", daemon=True).start()

    def gone(self) -> bool:
        return self._hung_up(0)

    def _hung_up(self, patience: int | None) -> bool:
        poller = select.poll()
        poller.register(self._socket, 0)  # a hang-up is reported even when no event is asked for
        return bool(poller.poll(patience))

    def interrupt(self) -> None:
        self._closed = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        # only shut down: closing would free the number while the watching thread still polls it
        self.interrupt()

    def let_go(self) -> None:
        """In a forked child: close its copy of the connection, which is its parent's."""
        self._closed = True
        self._socket.close()

    def _check_process(self) -> None:
        # before any lock: another thread of the parent may have held it when the child was forked
        if os.getpid() != self._process:
            raise WrongState(NOT_THE_CHILDS)

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


def _let_go(channel: Channel | None) -> None:
    if channel is not None:
        channel.let_go()


def _user_of(connection: socket.socket) -> int:
    """Who made the other end listen."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


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
