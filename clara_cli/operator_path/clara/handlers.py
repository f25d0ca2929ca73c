"""The program's handlers, and what their results mean."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import contextmanager
from typing import Any, Callable, Iterator, NamedTuple, Optional, Tuple

Handler = Optional[Callable[..., Any]]


class Handlers(NamedTuple):
    """One handler for each event of the life-cycle; None where the program has none."""

    startup: Handler = None
    prepare: Handler = None
    execute: Handler = None
    cleanup: Handler = None
    notification: Handler = None


class Outcome(NamedTuple):
    """Exit status of one handler, 0 for success, and what to say about a failure."""

    code: int
    message: str


def call(event: str, handler: Handler, *arguments: Any) -> Outcome:
    """Call a handler; never raises.

    None and every true value are success; another false value, an exception, or leaving the program with a
    status other than 0 are failure. The traceback of an exception goes to stderr.
    """
    if handler is None:
        return Outcome(0, "")
    with only_here() as child:
        outcome = _outcome(event, handler, arguments)
        child.code = outcome.code
    return outcome


class Child:
    """The status of a child that a handler forked."""

    code = 0


@contextmanager
def only_here() -> Iterator[Child]:
    """Let no child that is forked inside come out: the life-cycle is its parent's."""
    process, child = os.getpid(), Child()
    try:
        yield child
    finally:
        if os.getpid() != process:
            leave(child.code)


def leave(code: int) -> None:
    """End this process at once, with what it has printed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, RuntimeError, ValueError):
            pass  # closed, or interrupted in the middle of a write
    os._exit(code)


def _outcome(event: str, handler: Callable[..., Any], arguments: Tuple[Any, ...]) -> Outcome:
    try:
        result = handler(*arguments)
        if result is None or result:
            return Outcome(0, "")
    except SystemExit as stop:
        return _left(event, stop.code)
    except BaseException as error:
        traceback.print_exc()
        return Outcome(1, "{} failed: {}: {}".format(event, type(error).__name__, error))
    return Outcome(1, "{} failed: the handler returned {!r}".format(event, result))


def _left(event: str, code: Any) -> Outcome:
    if code is None or code == 0:
        return Outcome(0, "")
    if not isinstance(code, int):
        sys.stderr.write(str(code) + "\n")
        code = 1
    # the system keeps eight bits only; a failure must not become 0
    return Outcome(code & 0xFF or 1, "{} failed: the handler left with status {}".format(event, code))
