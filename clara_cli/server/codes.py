"""Errors inside answers: which code of the platform's API an error of clara gets.

The API reports what went wrong in the header of an answer, with a negative code and a text, while the call itself
ends well. The codes down to -0x2100 are documented ones (pipelines -0x1000 to -0x1999, jobs -0x2000 to -0x2999);
the rest is chosen here and written down in docs/platform.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from clara_cli.errors import (
    ClaraError,
    ConfigError,
    DefinitionError,
    ImageError,
    NotFound,
    PayloadError,
    RuntimeFailure,
    StateConflict,
    StoreError,
    UsageError,
)
from clara_cli.payloads.names import BadFileName
from clara_cli.payloads.receive import DiskFull
from clara_cli.server.wire.common_pb2 import ResponseHeader

# Where no service and kind says more.
INTERNAL = -0x0001
MALFORMED_REQUEST = -0x0002
STORE = -0x0003
REFUSED = -0x0004
SILENT = -0x0005
DISK_FULL = -0x0006

NO_DEFINITION = -0x1100
JOB_NAME = -0x2100
PRIORITY = -0x2201
NO_OPERATOR = -0x2207
UPLOAD_TOO_LARGE = -0x3301
NO_METADATA = -0x3401

# What an id can name → the code for one that is malformed; one that names nothing has the next lower.
KINDS = {
    "pipeline": -0x1000,
    "job": -0x2000,
    "payload": -0x3000,
    "file": -0x3100,
    "model": -0x4000,
    "catalog": -0x4010,
    "instance": -0x4020,
}

# Errors by service, or by service and method where that makes a difference.
CODES: Mapping[str, Mapping[type[ClaraError], int]] = {
    "Pipelines": {DefinitionError: -0x1101, UsageError: -0x1200, StateConflict: -0x1201},
    "Pipelines.Create": {StoreError: -0x1002},
    "Pipelines.List": {StoreError: -0x1003},
    "Pipelines.Update": {StoreError: -0x1004},
    "Jobs": {
        StateConflict: -0x2200,
        ImageError: -0x2202,
        RuntimeFailure: -0x2203,
        PayloadError: -0x2204,
        DefinitionError: -0x2205,
        ConfigError: -0x2206,
        UsageError: -0x2400,
    },
    "Jobs.Create": {StoreError: -0x2002},
    "Jobs.List": {StoreError: -0x2003},
    "Payloads": {BadFileName: -0x3100, StateConflict: -0x3200, PayloadError: -0x3300, UsageError: -0x3400},
    "Commands": {
        NotFound: -0x5000,
        StateConflict: -0x5001,
        DefinitionError: -0x5002,
        ImageError: -0x5003,
        PayloadError: -0x5004,
        RuntimeFailure: -0x5005,
        ConfigError: -0x5006,
        UsageError: -0x5400,
    },
    "Models": {StateConflict: -0x4200, PayloadError: -0x4300, UsageError: -0x4400},
}


class Refusal(ClaraError):
    """An error that has its own code."""

    def __init__(self, code: int, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.code = code


def code_of(error: ClaraError, service: str, method: str) -> int:
    """The code for an error of a method."""
    if isinstance(error, Refusal):
        return error.code
    if isinstance(error, NotFound) and error.kind in KINDS:
        return KINDS[error.kind] - 1
    if isinstance(error, DiskFull):
        return DISK_FULL
    for name in (f"{service}.{method}", service):
        for kind in type(error).__mro__:
            if kind in CODES.get(name, {}):
                return CODES[name][kind]
    return STORE if isinstance(error, StoreError) else REFUSED


# Characters of one text in a header. What was wrong in a definition may be long; what a client sent is not repeated.
_longest_text = 20_000


def header_of(error: ClaraError, service: str, method: str) -> ResponseHeader:
    """The header that tells a client of an error; it always has a text."""
    texts = [text for text in (error.message, error.hint) if text]
    return ResponseHeader(code=code_of(error, service, method), messages=[clean(_cut(text)) for text in texts])


def _cut(text: str) -> str:
    return (
        text
        if len(text) <= _longest_text
        else f"{text[:_longest_text]} … ({len(text) - _longest_text} more characters)"
    )


def clean(text: str) -> str:
    """A text as UTF-8 can carry it: names of files may be no text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
