"""Identifiers on the wire: 32 hexadecimal digits; dashes and capitals are accepted, and never answered."""

from __future__ import annotations

import re

from clara_cli.server.codes import KINDS, Refusal
from clara_cli.server.wire.common_pb2 import Identifier

_WHOLE = re.compile(r"[0-9a-f]{32}")


def read_id(identifier: Identifier, kind: str) -> str:
    """An id as it is stored.

    Raises:
        Refusal: it is missing or no id; the code is that of `kind`, a key of `codes.KINDS`.
    """
    digits = identifier.value.strip().replace("-", "").lower()
    if not _WHOLE.fullmatch(digits):
        found = f'"{identifier.value[:80]}" is none' if identifier.value else "there is none"
        raise Refusal(KINDS[kind], f"the id of a {kind} was expected, 32 hexadecimal digits; {found}")
    return digits


def wire_id(text: str) -> Identifier:
    return Identifier(value=text)
