"""Requests of the runner, and what is forked for them."""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import becoming
import ending
import entering

_MOST_DESCRIPTORS = 253


class Template(NamedTuple):
    """What every operator starts from.

    Attributes:
        main: the variables of a fresh `__main__`.
        preloaded: names of the modules that are there before an operator asks for them.
        kept: what must not be forgotten.
    """

    main: dict[str, Any]
    preloaded: list[str]
    kept: list[Any]


class Request(NamedTuple):
    """One operator: what it is started with, and the descriptors that came along.

    Attributes:
        asked: argv, cwd, environment, limits, numbers (of its descriptors).
        output: its stdout and stderr.
        told: where the process in between tells its own number and the operator's.
        go: when that process may end.
        enclosed: what bubblewrap tells of the view, and when the view is there; empty without one.
        inherited: its own descriptors.
    """

    asked: dict[str, Any]
    output: int
    told: int
    go: int
    enclosed: list[int]
    inherited: list[int]


def serve(control: socket.socket, template: Template) -> Iterator[Callable[[], Any]]:
    """Fork what is asked for; only in an operator's process anything comes out: what is to be called there."""
    while True:
        request = _receive(control)
        if request is None:
            os._exit(0)
        if os.fork() == 0:
            control.close()
            _fork(request)
            run = becoming.become(request, template)
            break
        for number in (request.output, request.told, request.go, *request.enclosed, *request.inherited):
            os.close(number)
        _reap()
    yield run
    yield ending.leaving()


def _receive(control: socket.socket) -> Request | None:
    space = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
    data, ancillary, _, _ = control.recvmsg(64, space, socket.MSG_CMSG_CLOEXEC)
    if not data:
        return None
    numbers = array.array("i")
    for _, _, content in ancillary:
        numbers.frombytes(content)
    document, output, told, go, *rest = numbers
    with os.fdopen(document, "rb") as file:
        file.seek(0)
        asked = json.loads(file.read())
    count = 2 if asked["enclosed"] else 0
    return Request(asked, output, told, go, rest[:count], rest[count:])


def _reap() -> None:
    """Collect the processes in between."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _fork(request: Request) -> None:
    """Fork the operator from a process in between; returns only in the operator's."""
    try:
        if request.enclosed:
            entering.enter(*request.enclosed)
        operator = os.fork()
        said = b"%d %d" % (os.getpid(), operator)
    except OSError as error:
        operator, said = -1, b"! " + str(error).encode("utf-8", "replace")
    if operator:
        try:
            os.write(request.told, said)
            # With the end of this process the operator becomes the runner's child, once the runner is ready for that.
            os.close(request.told)
            os.read(request.go, 1)
        finally:
            os._exit(0)
