"""Everything the driver raises: `Error`, and where a built-in exception fits, a subclass of both.

Error              code 1
├── InvalidValue   code 2   also ValueError
├── WrongType      code 3   also TypeError
├── UnknownName    code 4   also KeyError
├── NotPermitted   code 5   also PermissionError and ValueError
├── WrongState     code 6   also RuntimeError
├── OutOfMemory    code 7   also MemoryError
└── RunnerGone     code 8   the process that runs the job has ended
"""

from __future__ import annotations


class Error(Exception):
    """A failure of the driver or of a FastIO call.

    Attributes
    ----------
    message : str
        What is wrong and what was expected.
    code : int
        Which kind of error it is.
    """

    default_code = 1

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = self.default_code if code is None else code

    def __str__(self) -> str:
        return self.message  # KeyError alone would print the representation


class InvalidValue(Error, ValueError):
    default_code = 2


class WrongType(Error, TypeError):
    default_code = 3


class UnknownName(Error, KeyError):
    default_code = 4


class NotPermitted(Error, PermissionError, ValueError):
    """Also a ValueError, because that is what numpy raises for a write into a read-only array."""

    default_code = 5


class WrongState(Error, RuntimeError):
    default_code = 6


class OutOfMemory(Error, MemoryError):
    default_code = 7


class RunnerGone(Error):
    default_code = 8


_KINDS = {"value": InvalidValue, "key": UnknownName, "permission": NotPermitted, "state": WrongState}


def refusal(message: str, kind: str) -> Error:
    """The exception for a request that the job's runner refused; `kind` as in its reply."""
    return _KINDS.get(kind, Error)(message)
