"""Requests of the runner, the monitor of each operator, and the operator itself."""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import becoming
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
        told: where its process id is told.
        status: where its end is told, and from where its number may be given to others.
        enclosed: what bubblewrap tells of the view, and when the view is there; empty without one.
        inherited: its own descriptors.
    """

    asked: dict[str, Any]
    output: int
    told: int
    status: int
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
            _monitor(request)
            run = becoming.become(request, template)
            break
        for number in (request.output, request.told, request.status, *request.enclosed, *request.inherited):
            os.close(number)
        _reap()
    yield run
    yield becoming.leaving()


def _receive(control: socket.socket) -> Request | None:
    space = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
    data, ancillary, _, _ = control.recvmsg(64, space, socket.MSG_CMSG_CLOEXEC)
    if not data:
        return None
    numbers = array.array("i")
    for _, _, content in ancillary:
        numbers.frombytes(content)
    document, output, told, status, *rest = numbers
    with os.fdopen(document, "rb") as file:
        file.seek(0)
        asked = json.loads(file.read())
    count = 2 if asked["enclosed"] else 0
    return Request(asked, output, told, status, rest[:count], rest[count:])


def _reap() -> None:
    """Collect monitors that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _monitor(request: Request) -> None:
    """Fork the operator; returns only in its process. The parent tells its number, and how it ended."""
    try:
        if request.enclosed:
            entering.enter(*request.enclosed)
        operator = os.fork()
    except OSError as error:
        os.write(request.status, b"! " + str(error).encode("utf-8", "replace"))
        os._exit(1)
    if operator:
        try:
            _watch(request, operator)
        finally:
            os._exit(0)


def _watch(request: Request, operator: int) -> None:
    for number in (request.output, *request.enclosed, *request.inherited):
        os.close(number)
    os.write(request.told, b"%d\n" % operator)
    os.close(request.told)
    ended = os.waitid(os.P_PID, operator, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    os.write(request.status, b"%d\n" % code)
    # As long as it is a zombie nobody else can have its number: the runner ends what is left of its group first.
    os.read(request.status, 1)
    os.waitpid(operator, 0)
