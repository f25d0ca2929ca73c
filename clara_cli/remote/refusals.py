"""What the codes of a platform's errors mean here: kinds of errors, with the exit status that they have."""

from __future__ import annotations

from collections.abc import Sequence

from clara_cli.errors import (
    ClaraError,
    ConfigError,
    DefinitionError,
    ImageError,
    NotFound,
    PayloadError,
    RuntimeFailure,
    StateConflict,
    UsageError,
)
from clara_cli.server.codes import CODES, KINDS

_ANY = (*(UsageError, NotFound, StateConflict, DefinitionError, ImageError, PayloadError, RuntimeFailure, ConfigError),)
# The codes of the server read backwards. A file's name that is none has the code of a kind of thing too.
_ERRORS: dict[int, type[ClaraError]] = {
    code: kind for kinds in CODES.values() for kind, code in kinds.items() if kind in _ANY
}
_KINDS = {code - 1: kind for kind, code in KINDS.items()}


def refusal(code: int, messages: Sequence[str]) -> ClaraError:
    """The error that an answer's header tells of; a second message says what can be done."""
    message = messages[0] if messages else f"the platform failed without a word (code {code})"
    hint = "\n".join(messages[1:]) or None
    if code in _KINDS:
        return NotFound(message, hint, kind=_KINDS[code])
    kind = _ERRORS.get(code, ClaraError)
    return DefinitionError(message, hint=hint) if kind is DefinitionError else kind(message, hint)
