"""Bytes of a definition → text and its lines, whatever the encoding and the line ends."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from clara_cli.errors import DefinitionError
from clara_cli.pipelines.problem import Problem

MAX_BYTES = 16 * 1024 * 1024
MAX_EXCERPT = 160

# UTF-32 before UTF-16: the little-endian mark of the one begins with that of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
# The line ends that YAML 1.1 and its parsers count.
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Source:
    """The text of one file, and problems with a place in it.

    Attributes:
        name: what messages call the file.
        path: the file among those of its definition, for imports that are relative to it.
    """

    name: str
    text: str
    lines: tuple[str, ...]
    path: str = ""

    def problem(
        self,
        line: int,
        column: int,
        message: str,
        hint: str | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """A problem at a 1-based place; a place behind the end moves to the end."""
        if line > len(self.lines):
            line, column = len(self.lines), len(self.lines[-1]) + 1
        text = self.lines[line - 1]
        column = min(column, len(text) + 1)
        return Problem(self.name, line, column, message, hint, _excerpt(text, column), severity)

    def place_of(self, offset: int) -> tuple[int, int]:
        """Line and column, both 1-based, of a character."""
        before = _LINE_END.split(self.text[:offset])
        return len(before), len(before[-1]) + 1


def read_source(name: str, content: bytes, path: str = "") -> Source:
    """The text of a definition.

    Raises:
        DefinitionError: too large, not in a Unicode encoding, or with control characters.
    """
    if len(content) > MAX_BYTES:
        raise refusal(_too_large(name))
    codec, encoding = _encoding(content)
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        _refuse_bytes(name, content, codec, encoding, error.start)
    source = _source(name, text, path)
    if found := _CONTROL.search(text):
        raise refusal(_control_character(source, found))
    return source


def refusal(*problems: Problem) -> DefinitionError:
    """The error for problems that end the reading of a document."""
    return DefinitionError("\n".join(problem.render() for problem in problems), problems)


def _source(name: str, text: str, path: str = "") -> Source:
    lines = _LINE_END.split(text)
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return Source(name, text, tuple(lines), path)


def _encoding(content: bytes) -> tuple[str, str]:
    for mark, codec, encoding in _MARKS:
        if content.startswith(mark):
            return codec, encoding
    return "utf-8", "UTF-8"


def _refuse_bytes(name: str, content: bytes, codec: str, encoding: str, start: int) -> NoReturn:
    # Offsets of utf-8-sig count from behind the mark.
    body = content.removeprefix(codecs.BOM_UTF8)
    before = body[:start].decode(codec, "ignore")
    source = _source(name, body.decode(codec, "replace") or " ")
    line, column = _source(name, before + "x").place_of(len(before))
    message = f"byte 0x{body[start]:02x} is not {encoding} text"
    raise refusal(source.problem(line, column, message, "save the file as UTF-8"))


def _control_character(source: Source, found: re.Match[str]) -> Problem:
    character = found.group()
    hint = "remove it"
    if character == "\0":
        hint = "this looks like UTF-16 without a byte order mark, or a binary file; save it as UTF-8"
    line, column = source.place_of(found.start())
    return source.problem(line, column, f"control character U+{ord(character):04X} is not allowed in YAML", hint)


def _too_large(name: str) -> Problem:
    message = f"the file is too large: a definition has at most {MAX_BYTES} bytes"
    return Problem(name, 0, 0, message, "is this a pipeline definition?")


def _excerpt(text: str, column: int) -> str | None:
    if len(text) <= MAX_EXCERPT:
        return text
    return f"{text[:MAX_EXCERPT]}…" if column <= MAX_EXCERPT else None
